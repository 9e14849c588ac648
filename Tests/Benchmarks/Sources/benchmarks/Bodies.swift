// SPDX-License-Identifier: Apache-2.0

import OTLP

/// Requests like those of a busy agent: every record reports a call with its own id.
enum Bodies {
    /// Spans with the GenAI conventions, ten to a trace, 14 attributes each, about 570 bytes a span.
    static func traces(_ count: Int, request: Int) -> String {
        let spans = (0..<count).map { number in
            let root = number - number % 10
            let id = hex(request * count + number + 1, digits: 16)
            let parent = number == root ? "" : #""parentSpanId":"\#(hex(request * count + root + 1, digits: 16))","#
            let tokens = 1_000 + (number * 7_919 + request * 104_729) % 60_000
            let start = 1_795_334_400_000_000_000 + number * 1_700_000 + request * 1_000_000_000
            return #"{"traceId":"\#(hex(request * count + root + 1, digits: 32))","spanId":"\#(id)",\#(parent)"#
                + #""name":"chat claude-opus-4-8","kind":3,"startTimeUnixNano":"\#(start)","endTimeUnixNano":"\#(start + 900_000_000)","#
                + #""attributes":[\#(spanAttributes(id: id, session: "conversation-" + hex(request / 20, digits: 12), tokens))],"#
                + #""status":{"code":1}}"#
        }
        return
            #"{"resourceSpans":[{\#(resource("assistant")),"scopeSpans":[{"scope":{"name":"bench.gen_ai","version":"0.1"},"spans":[\#(spans.joined(separator: ","))]}]}]}"#
    }

    /// Events as Claude Code sends them, 15 attributes each, about 600 bytes a record.
    static func logs(_ count: Int, request: Int) -> String {
        let records = (0..<count).map { number in
            let time = 1_795_334_400_000_000_000 + number * 900_000 + request * 1_000_000_000
            let tokens = 1_000 + (number * 7_919 + request * 104_729) % 60_000
            let id = "req_" + hex(request * count + number + 1, digits: 24)
            return
                #"{"timeUnixNano":"\#(time)","observedTimeUnixNano":"\#(time + 1_000)","severityNumber":9,"severityText":"INFO","#
                + #""body":{"stringValue":"claude_code.api_request"},"#
                + #""attributes":[\#(logAttributes(id: id, session: hex(request / 20, digits: 32), tokens))]}"#
        }
        return
            #"{"resourceLogs":[{\#(resource("claude-code")),"scopeLogs":[{"scope":{"name":"com.anthropic.claude_code.events","version":"2.1.330"},"logRecords":[\#(records.joined(separator: ","))]}]}]}"#
    }

    private static func resource(_ service: String) -> String {
        let attributes = [
            text("service.name", service), text("service.version", "2.1.330"), text("host.name", "bench"),
            text("os.type", "linux"),
        ]
        return #""resource":{"attributes":[\#(attributes.joined(separator: ","))]}"#
    }

    private static func spanAttributes(id: String, session: String, _ tokens: Int) -> String {
        [
            text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", "anthropic"),
            text("gen_ai.request.model", "claude-opus-4-8"), text("gen_ai.response.model", "claude-opus-4-8"),
            text("gen_ai.response.id", "msg_0123456789\(id)"), number("gen_ai.request.max_tokens", 4_096),
            #"{"key":"gen_ai.request.temperature","value":{"doubleValue":0.7}}"#,
            number("gen_ai.usage.input_tokens", tokens), number("gen_ai.usage.output_tokens", tokens / 20),
            number("gen_ai.usage.cache_read.input_tokens", tokens / 2),
            number("gen_ai.usage.cache_creation.input_tokens", tokens / 10),
            #"{"key":"gen_ai.response.finish_reasons","value":{"arrayValue":{"values":[{"stringValue":"stop"}]}}}"#,
            text("gen_ai.conversation.id", session), text("server.address", "api.example.invalid"),
        ].joined(separator: ",")
    }

    private static func logAttributes(id: String, session: String, _ tokens: Int) -> String {
        [
            text("session.id", session), text("user.id", "b1946ac92492d2347c6235b4d2611184"),
            text("organization.id", "11111111-2222-3333-4444-555555555555"), text("terminal.type", "xterm-256color"),
            text("event.timestamp", "2026-11-22T08:00:00.000Z"), number("event.sequence", tokens),
            text("request_id", id), text("event.name", "api_request"), text("model", "claude-opus-4-8"),
            number("input_tokens", tokens / 10), number("output_tokens", tokens / 20),
            number("cache_read_tokens", tokens), number("cache_creation_tokens", tokens / 8),
            #"{"key":"cost_usd","value":{"doubleValue":0.0123}}"#, number("duration_ms", tokens / 3),
        ].joined(separator: ",")
    }

    private static func text(_ key: String, _ value: String) -> String {
        #"{"key":"\#(key)","value":{"stringValue":"\#(value)"}}"#
    }

    private static func number(_ key: String, _ value: Int) -> String {
        #"{"key":"\#(key)","value":{"intValue":"\#(value)"}}"#
    }

    private static func hex(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
