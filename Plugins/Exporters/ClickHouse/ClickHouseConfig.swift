// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP
public import SendingQueue

/// The keys under `clickhouse:`; they are those of the OpenTelemetry Collector's exporter of this name, and some of our own.
public struct ClickHouseConfig: QueuedExporterConfig {
    /// The address of ClickHouse's HTTP interface.
    public var endpoint = ""
    /// The database of the tables.
    public var database = "default"
    /// The user; empty for ClickHouse's default one.
    public var username = ""
    /// The user's password.
    public var password: Secret = ""
    /// Whether the database and the tables are made when they are missing.
    public var createSchema = true
    /// After how long ClickHouse removes rows; 0 for never.
    public var ttl = ConfigDuration(seconds: 0)
    /// The store whose calls are mirrored.
    public var store = "sqlite"
    /// How often the store is asked what changed.
    public var interval = ConfigDuration(seconds: 5)
    /// What is sent beside calls.
    public var records = Records.usage
    /// The table of calls.
    public var callsTableName = "hammurabi_calls"
    /// The table of log records.
    public var logsTableName = "otel_logs"
    /// The table of spans.
    public var tracesTableName = "otel_traces"
    /// How bodies are compressed.
    public var compression = Compression.zstd
    /// The time limit of an attempt.
    public var timeout = ConfigDuration(seconds: 30)
    /// The retries when ClickHouse cannot take an insert now.
    public var retryOnFailure = RetryConfig()
    /// The queue of waiting records.
    public var sendingQueue = SendingQueueConfig()
    /// The records that ClickHouse refused for good.
    public var deadLetters = DeadLettersConfig()
    /// How ClickHouse is verified, and the certificate of this collector.
    public var tls = ClientTLSConfig()

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case endpoint, database, username, password, ttl, store, interval, records, compression, timeout, tls
        case createSchema = "create_schema"
        case callsTableName = "calls_table_name"
        case logsTableName = "logs_table_name"
        case tracesTableName = "traces_table_name"
        case retryOnFailure = "retry_on_failure"
        case sendingQueue = "sending_queue"
        case deadLetters = "dead_letters"
    }

    /// What is sent beside calls.
    public enum Records: String, Codable, Sendable, CaseIterable {
        /// Nothing.
        case usage
        /// Every log record and span.
        case all
    }

    /// How bodies are compressed.
    public enum Compression: String, Codable, Sendable, CaseIterable {
        /// With Zstandard.
        case zstd
        /// With gzip.
        case gzip
        /// No compression.
        case none
    }

    /// What each key means.
    public static let documentation = [
        "endpoint": "the address of ClickHouse's HTTP interface, such as http://clickhouse.example.com:8123",
        "database": "the database of the tables",
        "username": "the user; empty: ClickHouse's default user",
        "password": "the user's password; write it as ${env:NAME}",
        "create_schema": "whether the database and the tables are made when they are missing",
        "ttl": "after how long ClickHouse removes rows; 0s: never, calls go when the store removes them",
        "store": "the id of the store whose counted calls are mirrored",
        "interval": "how often the store is asked what changed",
        "records":
            "usage: calls only; all: log records and spans, too, in the tables of the OpenTelemetry Collector's exporter",
        "calls_table_name": "the table of calls",
        "logs_table_name": "the table of log records",
        "traces_table_name": "the table of spans",
        "compression": "zstd, gzip or none",
        "timeout": "how long an attempt may take",
        "tls": "how ClickHouse is known, and this collector",
    ].merging(ClientTLSConfig.documentation) { own, _ in own }.merging(sendingDocumentation) { own, _ in own }

    /// The address, parsed; nil when it is none.
    var address: ServerAddress? { ServerAddress(endpoint) }

    /// The store, the folder of the queue and the destination.
    public var resources: [ConfigResource] {
        let destination = address.map { address in
            Signal.allCases.prefix(2).map { signal in
                ConfigResource(
                    .destination(Endpoint(host: address.host, port: address.port), of: signal),
                    at: ["endpoint"]
                )
            }
        }
        return queueResources + [ConfigResource(.store(store), at: ["store"])] + (destination ?? [])
    }

    /// Reports what nothing can be mirrored with.
    public func validate(_ findings: inout ConfigFindings) {
        validateAddress(&findings)
        if ComponentID(store) == nil {
            findings.error("component-id", "\"\(store)\" is no component id", at: ["store"], help: "write sqlite")
        }
        for (key, name) in [
            ("database", database), ("calls_table_name", callsTableName), ("logs_table_name", logsTableName),
            ("traces_table_name", tracesTableName),
        ] where !Self.isName(name) {
            findings.error("invalid-value", "a name has letters, digits and underscores only", at: [key])
        }
        if interval.nanoseconds < 100_000_000 {
            findings.error(
                "out-of-range",
                "an interval of \(interval) is too short",
                at: ["interval"],
                help: "write 5s"
            )
        }
        if ttl.nanoseconds < 0 || (1..<1_000_000_000).contains(ttl.nanoseconds) {
            findings.error("out-of-range", "rows live for a second at least", at: ["ttl"], help: "write 90d")
        }
        if !(1_000_000...3_600_000_000_000).contains(timeout.nanoseconds) {
            findings.error("out-of-range", "an attempt takes 1ms to 1h", at: ["timeout"], help: "write 30s")
        }
        tls.validate(&findings, acceptedAs: "ClickHouse and receives the password")
        validateSending(&findings)
    }

    private func validateAddress(_ findings: inout ConfigFindings) {
        if endpoint.isEmpty {
            findings.error(
                "endpoint",
                "the exporter needs the address of ClickHouse's HTTP interface",
                at: [],
                help: "write endpoint: http://127.0.0.1:8123, for example"
            )
        } else if address == nil {
            let isNative = endpoint.hasPrefix("tcp://") || endpoint.hasPrefix("clickhouse://")
            findings.error(
                "endpoint",
                isNative
                    ? "ClickHouse's own protocol is not spoken" : "the address is not of the form http://host:port",
                at: ["endpoint"],
                help: "write the address of its HTTP interface, such as http://127.0.0.1:8123"
            )
        }
    }

    /// Whether a database or table can have the name, which is written into statements.
    static func isName(_ name: String) -> Bool {
        let isLetter: (UInt8) -> Bool = { (65...90).contains($0) || (97...122).contains($0) || $0 == 95 }
        guard let first = name.utf8.first, isLetter(first), name.utf8.count <= 128 else { return false }
        return name.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) }
    }
}

/// Advice about keys of the OpenTelemetry Collector that are not supported.
extension ClickHouseConfig: AbsentKeyAdvising {
    /// The advice for each such key.
    public static let absentKeys = [
        "compress": "write compression: zstd, gzip or none", "ttl_days": "write ttl, such as 90d",
        "async_insert": "remove it: inserts are gathered before they are sent, and acknowledged when they are stored",
        "connection_params": "remove it: there are none", "metrics_table_name": metrics, "metrics_tables": metrics,
        "cluster_name": own, "table_engine": own,
    ]

    private static let metrics = "remove it: metrics are not sent"
    private static let own = "write create_schema: false and make the tables yourself"
}

/// The address of an HTTP server.
struct ServerAddress: Hashable {
    let isEncrypted: Bool
    let host: String
    let port: Int
    /// Scheme, host and port, without a slash at the end.
    let text: String

    /// Parses `http://host:port` or `https://host`; nil for anything else.
    init?(_ written: String) {
        let parts = ["http://", "https://"].first { written.hasPrefix($0) }.map { ($0, written.dropFirst($0.count)) }
        guard let (scheme, rest) = parts else { return nil }
        let authority = rest.hasSuffix("/") ? rest.dropLast() : rest
        guard !authority.contains(where: { "/?#@, ".contains($0) }) else { return nil }
        isEncrypted = scheme == "https://"
        let colon = authority.lastIndex(of: ":").flatMap { authority[$0...].contains("]") ? nil : $0 }
        let name = authority[..<(colon ?? authority.endIndex)]
        let port = colon.map { Int(authority[authority.index(after: $0)...]) } ?? (isEncrypted ? 443 : 80)
        let bare = name.hasPrefix("[") && name.hasSuffix("]") ? name.dropFirst().dropLast() : name
        guard let port, (1...65_535).contains(port), !bare.isEmpty else { return nil }
        (host, self.port) = (String(bare), port)
        text = "\(scheme)\(name):\(port)"
    }
}
