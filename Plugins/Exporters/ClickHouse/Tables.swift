// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// The tables in ClickHouse: their statements and the columns that are inserted.
struct Tables {
    private let config: ClickHouseConfig

    init(_ config: ClickHouseConfig) { self.config = config }

    var calls: String { name(config.callsTableName) }
    var logs: String { name(config.logsTableName) }
    var traces: String { name(config.tracesTableName) }

    private func name(_ table: String) -> String { "`\(config.database)`.`\(table)`" }

    /// Whether the table of calls is there, and what ClickHouse says of its engine.
    var callsQuestion: String {
        """
        SELECT engine_full FROM system.tables
        WHERE database = '\(config.database)' AND name = '\(config.callsTableName)' FORMAT TabSeparatedRaw
        """
    }

    /// The statements that make what is missing, in their order; without the database that every server has.
    var statements: [String] {
        let database =
            config.database == "default" ? [] : ["CREATE DATABASE IF NOT EXISTS `\(config.database)`"]
        return database + [callsTable] + (config.records == .all ? [logsTable, tracesTable] : [])
    }

    private func ttl(_ time: String) -> String {
        let seconds = config.ttl.nanoseconds / 1_000_000_000
        return seconds > 0 ? "TTL toDateTime(\(time)) + toIntervalSecond(\(seconds))" : ""
    }

    // MARK: - Calls

    /// The setting without which ClickHouse counts a repeated insert again: tables that are not replicated know no repeat by default.
    static let deduplication = "non_replicated_deduplication_window"

    static let callsColumns = [
        "call_id", "time", "model", "agent", "project", "user", "machine", "team", "branch", "is_subagent",
        "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens",
        "reasoning_tokens", "cost", "priced", "duration_ns", "version", "sign",
    ]

    /// Not divided into partitions: an insert that reaches several is not there as a whole at once.
    private var callsTable: String {
        """
        CREATE TABLE IF NOT EXISTS \(calls) (
            call_id UInt64 CODEC(ZSTD(1)),
            time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
            model LowCardinality(String) CODEC(ZSTD(1)),
            agent LowCardinality(String) CODEC(ZSTD(1)),
            project LowCardinality(String) CODEC(ZSTD(1)),
            user LowCardinality(String) CODEC(ZSTD(1)),
            machine LowCardinality(String) CODEC(ZSTD(1)),
            team LowCardinality(String) CODEC(ZSTD(1)),
            branch LowCardinality(String) CODEC(ZSTD(1)),
            is_subagent Bool,
            input_tokens Int64 CODEC(T64, ZSTD(1)),
            cache_read_tokens Int64 CODEC(T64, ZSTD(1)),
            cache_write_5m_tokens Int64 CODEC(T64, ZSTD(1)),
            cache_write_1h_tokens Int64 CODEC(T64, ZSTD(1)),
            output_tokens Int64 CODEC(T64, ZSTD(1)),
            reasoning_tokens Int64 CODEC(T64, ZSTD(1)),
            cost Decimal(38, 9) CODEC(ZSTD(1)),
            priced Bool,
            duration_ns Nullable(Int64) CODEC(ZSTD(1)),
            version UInt64 CODEC(Delta(8), ZSTD(1)),
            sign Int8
        ) ENGINE = VersionedCollapsingMergeTree(sign, version)
        ORDER BY (toDate(time), model, call_id)
        \(ttl("time"))
        SETTINGS \(Self.deduplication) = 1000
        """
    }

    // MARK: - Records, with the columns of the OpenTelemetry Collector's exporter

    static let logsColumns = [
        "Timestamp", "TraceId", "SpanId", "TraceFlags", "SeverityText", "SeverityNumber", "ServiceName", "Body",
        "ResourceSchemaUrl", "ResourceAttributes", "ScopeSchemaUrl", "ScopeName", "ScopeVersion", "ScopeAttributes",
        "LogAttributes",
    ]

    static let tracesColumns = [
        "Timestamp", "TraceId", "SpanId", "ParentSpanId", "TraceState", "SpanName", "SpanKind", "ServiceName",
        "ResourceAttributes", "ScopeName", "ScopeVersion", "SpanAttributes", "Duration", "StatusCode", "StatusMessage",
        "Events.Timestamp", "Events.Name", "Events.Attributes", "Links.TraceId", "Links.SpanId", "Links.TraceState",
        "Links.Attributes",
    ].map { "`\($0)`" }

    private static func indexes(_ maps: [(name: String, column: String)]) -> String {
        let maps = maps.flatMap { map in
            ["key", "value"].map { part in
                let function = part == "key" ? "mapKeys" : "mapValues"
                return "INDEX idx_\(map.name)_\(part) \(function)(\(map.column)) TYPE bloom_filter(0.01) GRANULARITY 1"
            }
        }
        return (["INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1"] + maps).joined(
            separator: ",\n    "
        )
    }

    private static func attributes(_ columns: String...) -> String {
        columns.map { "\($0) Map(LowCardinality(String), String) CODEC(ZSTD(1))" }.joined(separator: ",\n    ")
    }

    private var logsTable: String {
        """
        CREATE TABLE IF NOT EXISTS \(logs) (
            Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
            TimestampTime DateTime DEFAULT toDateTime(Timestamp),
            TraceId String CODEC(ZSTD(1)),
            SpanId String CODEC(ZSTD(1)),
            TraceFlags UInt8,
            SeverityText LowCardinality(String) CODEC(ZSTD(1)),
            SeverityNumber UInt8,
            ServiceName LowCardinality(String) CODEC(ZSTD(1)),
            Body String CODEC(ZSTD(1)),
            ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
            \(Self.attributes("ResourceAttributes")),
            ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
            ScopeName String CODEC(ZSTD(1)),
            ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
            \(Self.attributes("ScopeAttributes", "LogAttributes")),
            \(Self.indexes([("res_attr", "ResourceAttributes"), ("scope_attr", "ScopeAttributes"), ("log_attr", "LogAttributes")]))
        ) ENGINE = MergeTree
        PARTITION BY toDate(TimestampTime)
        PRIMARY KEY (ServiceName, TimestampTime)
        ORDER BY (ServiceName, TimestampTime, Timestamp)
        \(ttl("TimestampTime"))
        SETTINGS ttl_only_drop_parts = 1, \(Self.deduplication) = 1000
        """
    }

    private var tracesTable: String {
        """
        CREATE TABLE IF NOT EXISTS \(traces) (
            Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
            TraceId String CODEC(ZSTD(1)),
            SpanId String CODEC(ZSTD(1)),
            ParentSpanId String CODEC(ZSTD(1)),
            TraceState String CODEC(ZSTD(1)),
            SpanName LowCardinality(String) CODEC(ZSTD(1)),
            SpanKind LowCardinality(String) CODEC(ZSTD(1)),
            ServiceName LowCardinality(String) CODEC(ZSTD(1)),
            \(Self.attributes("ResourceAttributes")),
            ScopeName String CODEC(ZSTD(1)),
            ScopeVersion String CODEC(ZSTD(1)),
            \(Self.attributes("SpanAttributes")),
            Duration UInt64 CODEC(ZSTD(1)),
            StatusCode LowCardinality(String) CODEC(ZSTD(1)),
            StatusMessage String CODEC(ZSTD(1)),
            Events Nested (
                Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)
            ) CODEC(ZSTD(1)),
            Links Nested (
                TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)
            ) CODEC(ZSTD(1)),
            \(Self.indexes([("res_attr", "ResourceAttributes"), ("span_attr", "SpanAttributes")]))
        ) ENGINE = MergeTree
        PARTITION BY toDate(Timestamp)
        ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
        \(ttl("Timestamp"))
        SETTINGS ttl_only_drop_parts = 1, \(Self.deduplication) = 1000
        """
    }
}
