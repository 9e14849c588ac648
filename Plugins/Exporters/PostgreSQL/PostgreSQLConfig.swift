// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The keys under `postgresql:`.
public struct PostgreSQLConfig: ComponentConfig {
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
    /// Whether a batch is tried again when the database cannot take it now.
    public var retryOnFailure = Retry()
    /// Whether statements are prepared once for each connection.
    public var preparedStatements = true

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case datasource, schema, records, connections, timeout
        case createSchema = "create_schema"
        case retryOnFailure = "retry_on_failure"
        case preparedStatements = "prepared_statements"
    }

    /// What is kept.
    public enum Records: String, Codable, Sendable, CaseIterable {
        /// Every record.
        case all
        /// Calls and sessions only.
        case usage
    }

    /// Whether a batch is tried again before its sender is asked to come again.
    public struct Retry: ConfigSection {
        /// Whether it is.
        public var enabled = true
        /// The delay before the second attempt.
        public var initialInterval = ConfigDuration(nanoseconds: 200_000_000)
        /// The longest delay; each is twice the one before.
        public var maxInterval = ConfigDuration(seconds: 2)
        /// After this time the sender is answered with 503; it waits for its answer so long.
        public var maxElapsedTime = ConfigDuration(seconds: 5)

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case enabled
            case initialInterval = "initial_interval"
            case maxInterval = "max_interval"
            case maxElapsedTime = "max_elapsed_time"
        }
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
        "retry_on_failure": "how a batch is tried again while its sender waits, when the database cannot take it now",
        "retry_on_failure.enabled": "whether it is tried again",
        "retry_on_failure.initial_interval": "the delay before the second attempt; each next one is twice as long",
        "retry_on_failure.max_interval": "the longest delay",
        "retry_on_failure.max_elapsed_time": "after this time the sender is answered with 503",
        "prepared_statements": "false: below PgBouncer 1.21 in transaction mode",
    ]

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
