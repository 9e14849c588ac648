// SPDX-License-Identifier: Apache-2.0

import JSON
import OTLP
import Usage

/// A span as Copilot's command line and its extension write it into a file (`COPILOT_OTEL_FILE_EXPORTER_PATH`, `github.copilot.chat.otel.outfile`).
///
/// Only spans of the operation `chat` are calls; those of the agent are their sums. Input contains cached tokens, output contains reasoning. One span
/// of a sub-agent of version 1.0.36 is the sum of the sub-agent's calls, which have no spans of their own.
struct CopilotSpans: StoreParser {
    /// What a span says of a call.
    struct Span {
        var id: String?
        var end: Timestamp?
        var operation: String?
        var session: String?
        var chatSession: String?
        var response: String?
        var model: String?
        var requestModel: String?
        var usage = StoreUsage()

        /// The call; nil when the span is none.
        func call(into sink: inout RecordSink) -> CallRecord? {
            guard operation == "chat" else { return nil }
            guard !usage.isZero else {
                sink.omit("span \(id ?? "?"): it has no tokens")
                return nil
            }
            guard let end, let session = session ?? chatSession else {
                sink.omit("span \(id ?? "?"): it has no time or no session")
                return nil
            }
            var usage = usage
            usage.excludeCache()
            var call = CallRecord(usage, time: end, session: session)
            call.event = .storeSpan
            call.response = response
            // A span without the answer's id is known by its own; two names of different kinds keep it apart from a row of the table.
            if response == nil { call.lineage = "copilot:\(session):span \(id ?? end.nanoseconds.description)" }
            call.parts = [CopilotEvents.part(session)]
            call.model = model ?? requestModel
            return call
        }
    }

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        var json = JSONScanner(text)
        var span = Span()
        try json.members { key, json throws(LineFault) in
            switch key {
            case "spanId": span.id = try json.string()
            case "endTime": span.end = try Self.time(&json)
            case "attributes": try span.readAttributes(&json)
            default: return false
            }
            return true
        }
        if let call = span.call(into: &sink) { sink.add(call) }
    }

    /// Seconds and nanoseconds since 1970.
    private static func time(_ json: inout JSONScanner) throws(LineFault) -> Timestamp? {
        var parts: [Int64] = []
        try json.elements { json throws(LineFault) in
            let number = try json.number() ?? -1
            parts.append((0..<9_000_000_000).contains(number) ? Int64(number) : -1)
        }
        guard parts.count == 2, parts[0] >= 0, (0..<1_000_000_000).contains(parts[1]) else { return nil }
        return Timestamp(nanoseconds: parts[0] * 1_000_000_000 + parts[1])
    }
}

extension CopilotSpans.Span {
    fileprivate mutating func readAttributes(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "gen_ai.operation.name": operation = try json.string()
            case "gen_ai.conversation.id": session = try json.string()
            case "copilot_chat.chat_session_id", "copilot_chat.session_id": chatSession = try json.string()
            case "gen_ai.response.id": response = try json.string()
            case "gen_ai.response.model": model = try json.string()
            case "gen_ai.request.model": requestModel = try json.string()
            case "gen_ai.usage.input_tokens": usage.input = try json.count() ?? 0
            case "gen_ai.usage.output_tokens": usage.output = try json.count() ?? 0
            case "gen_ai.usage.cache_read.input_tokens": usage.cacheRead = try json.count() ?? 0
            case "gen_ai.usage.cache_creation.input_tokens": usage.cacheWrite = try json.count() ?? 0
            case "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens":
                usage.reasoning = try json.count() ?? 0
            default: return false
            }
            return true
        }
    }
}

/// The spans that Copilot's extension for VS Code keeps in a database (`github.copilot.chat.otel.dbSpanExporter.enabled`); it removes them after
/// seven days.
struct CopilotTraces: DatabaseSchema {
    private(set) var note: String?
    private var hasAttributes = false

    private static let table = "spans"

    mutating func prepare(_ database: StoreDatabase) throws(FileStream.Failure) -> Bool {
        hasAttributes = try database.columns(of: "span_attributes").isSuperset(of: ["span_id", "key", "value"])
        return try database.hasTable(
            Self.table,
            with: [
                "span_id", "end_time_ms", "operation_name", "conversation_id", "chat_session_id", "request_model",
                "response_model", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens",
            ]
        )
    }

    func rows(_ database: StoreDatabase, state: inout StoreState) throws(FileStream.Failure) -> [DatabaseRow] {
        try AddedRows(table: Self.table, row: "rowid", mark: "span_id").list(database, &state)
    }

    mutating func read(
        _ row: DatabaseRow,
        _ database: StoreDatabase,
        into sink: inout RecordSink
    ) throws(FileStream.Failure) {
        func attribute(_ key: String) -> String {
            hasAttributes
                ? "(SELECT value FROM span_attributes a WHERE a.span_id = s.span_id AND a.key = '\(key)')" : "NULL"
        }
        var newest: String?
        try database.query(
            "SELECT s.span_id, s.end_time_ms, s.operation_name, s.conversation_id, s.chat_session_id, s.response_model,"
                + " s.request_model, s.input_tokens, s.output_tokens, s.cached_tokens, s.reasoning_tokens,"
                + " \(attribute("gen_ai.response.id")), \(attribute("gen_ai.usage.cache_creation.input_tokens"))"
                + " FROM \(Self.table) s WHERE s.rowid = ?",
            [.number(row.id)]
        ) { found in
            newest = found.string(0)
            do throws(LineFault) {
                var span = CopilotSpans.Span()
                (span.id, span.operation, span.session) = (newest, found.string(2), found.string(3))
                (span.chatSession, span.model, span.requestModel) = (found.string(4), found.string(5), found.string(6))
                span.end = Timestamp(milliseconds: found.number(1))
                span.response = found.string(11)
                span.usage = StoreUsage(
                    input: try found.count(7),
                    output: try found.count(8),
                    cacheRead: try found.count(9),
                    cacheWrite: try found.count(12),
                    reasoning: try found.count(10)
                )
                if let call = span.call(into: &sink) { sink.add(call) }
            } catch {
                sink.note(error, part: row.id)
            }
        }
        if let newest { note = newest }
    }

    func readFacts(_ database: StoreDatabase, after: Int64, into sink: inout RecordSink) throws(FileStream.Failure) {}
}
