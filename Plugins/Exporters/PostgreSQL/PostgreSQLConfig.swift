// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import SendingQueue

/// The keys under `postgresql:`.
public struct PostgreSQLConfig: QueuedExporterConfig {
    /// Where the database is, as libpq reads it; may hold a password.
    public var datasource: Secret = ""
    /// The schema of the tables.
    public var schema = "telemetry_hub"
    /// Whether the schema and its tables are made and brought to the newest layout at the start.
    public var createSchema = true
    /// What is kept beside calls and sessions.
    public var records = Records.all
    /// How many connections read; one more writes.
    public var connections = 4
    /// How long a commit waits for a lock and for each of its statements.
    public var timeout = ConfigDuration(seconds: 10)
    /// How a batch is tried again when the database cannot take it now.
    public var retryOnFailure = standardRetry
    /// The queue on the disk in front of the database.
    public var sendingQueue = standardQueue
    /// The batches that the database refused for good after they were acknowledged.
    public var deadLetters = DeadLettersConfig()
    /// Whether statements are prepared once for each connection.
    public var preparedStatements = true

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case datasource, schema, records, connections, timeout
        case createSchema = "create_schema"
        case retryOnFailure = "retry_on_failure"
        case sendingQueue = "sending_queue"
        case deadLetters = "dead_letters"
        case preparedStatements = "prepared_statements"
    }

    /// Short waits: without a queue a sender waits meanwhile.
    private static var standardRetry: RetryConfig {
        var retry = RetryConfig()
        retry.initialInterval = ConfigDuration(nanoseconds: 200_000_000)
        retry.maxInterval = ConfigDuration(seconds: 5)
        return retry
    }

    /// Senders wait for the database's own answer.
    private static var standardQueue: SendingQueueConfig {
        var queue = SendingQueueConfig()
        queue.enabled = false
        return queue
    }

    /// How long a sender waits for attempts when there is no queue and no time is configured.
    static let longestWait: Int64 = 5_000_000_000

    /// What is kept.
    public enum Records: String, Codable, Sendable, CaseIterable {
        /// Every record.
        case all
        /// Calls and sessions only.
        case usage
    }

    /// What each key means.
    public static let documentation = [
        "datasource":
            "the database as a URL or connection string of libpq, such as postgres://hub@db.example:5432/telemetry?sslmode=verify-full; write the password as ${env:NAME}",
        "schema": "the schema of the tables; collectors that name the same one keep one store together",
        "create_schema":
            "whether the schema and its tables are made and brought to the newest layout; false: apply what `hammurabi schema postgresql` prints",
        "records": "all: keep every record; usage: keep calls and sessions only",
        "connections": "how many connections read, 1 to 64; one more writes",
        "timeout": "how long a commit waits for other collectors, and for each of its statements",
        "retry_on_failure": "how a batch is tried again when the database cannot take it now",
        "retry_on_failure.enabled": "whether it is tried again",
        "retry_on_failure.initial_interval": "the wait before the second attempt",
        "retry_on_failure.max_interval": "the longest wait",
        "retry_on_failure.max_elapsed_time":
            "with a queue: after how long a batch goes to the dead letters, 0s: never; without one: after how long its sender is answered with 503, 0s: after 5s",
        "sending_queue": "a queue on the disk, so that senders are answered while the database is away",
        "sending_queue.enabled":
            "true: a batch is acknowledged when it is in the queue; false: when it is in the database",
        "prepared_statements": "false: below PgBouncer 1.21 in transaction mode",
    ].merging(sendingDocumentation) { own, _ in own }

    /// Refuses what no database can be opened with.
    public func validate(_ findings: inout ConfigFindings) {
        if datasource.isEmpty {
            findings.error(
                "missing-value",
                "the exporter needs a datasource, such as postgres://hub@db.example:5432/telemetry",
                at: ["datasource"]
            )
        }
        if !Self.isSchema(schema) { findings.error("invalid-value", Self.schemaRule, at: ["schema"]) }
        if !(1...64).contains(connections) {
            findings.error("invalid-value", "1 to 64 connections can read", at: ["connections"])
        }
        if timeout.nanoseconds < 1_000_000 {
            findings.error("invalid-value", "the timeout is at least 1ms", at: ["timeout"])
        }
        validateSending(&findings)
    }

    /// Whether a schema can have this name; one that needs quotes cannot, because it is written into every statement.
    public static func isSchema(_ name: String) -> Bool {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        guard let first = name.utf8.first, !digits.contains(first), name.utf8.count <= 63 else { return false }
        return !name.hasPrefix("pg_")
            && name.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "_") }
    }

    /// What ``isSchema(_:)`` asks for.
    public static let schemaRule =
        "the schema is a name of at most 63 small letters, digits and underscores that does not begin with a digit or pg_"
}
