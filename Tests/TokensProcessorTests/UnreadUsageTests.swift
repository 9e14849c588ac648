// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Testing
import TokensProcessor
import Usage

/// A client whose usage has an unknown form must be distinguishable from one without calls.
struct UnreadUsageTests {
    /// The reports about a batch, as `attribute signal count`.
    private func reported(_ batches: OTLPBatch..., change: (inout OTLPBatch) -> Void = { _ in }) throws -> [String] {
        let settings = ComponentSettings(
            id: try #require(ComponentID("tokens")),
            logger: Logger(label: "tokens") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { arrival }
        )
        let processor = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings)
        for otlp in batches {
            var batch = Batch(otlp, receivedAt: arrival)
            change(&batch.otlp)
            try processor.process(&batch)
        }
        let problems = settings.intake.problems
        return problems.map { problem in problem.code == .unreadUsage ? problem : Self.marked(problem) }.map {
            "\($0.subject) \($0.signal?.rawValue ?? "") \($0.count)"
        }.sorted()
    }

    /// A problem of a value under a known name, marked to distinguish it from one of an unknown name.
    private static func marked(_ problem: IntakeProblem) -> IntakeProblem {
        #expect(problem.code == .unreadableUsage)
        var problem = problem
        problem.subject += " (value)"
        return problem
    }

    private func reported(_ attributes: Attributes, name: String = "call") throws -> [String] {
        try reported(spans([Record(span: 1, name: name, attributes)]))
    }

    @Test(arguments: [
        ("vendor.usage_details", #"{"input":10,"output":2,"input_cache_read":3}"#),
        ("vendor.chat.tokenUsage", #"{"input_tokens":10,"output_tokens":2}"#),
        ("vendor.usage_object", "{'completion_tokens': 10, 'prompt_tokens': 2}"),
        ("vendor.usage", "Usage(prompt_tokens=10, completion_tokens=2)"), ("vendor.tokens.prompt", "12"),
    ])
    func `a text with token counts is reported`(name: String, value: String) throws {
        let record = Record(span: 1, name: "call", ["x": 1])
        let reported = try reported(spans([record])) { $0.set(name, to: .string(value), record: 0) }
        // What an earlier processor added does not come from the sender.
        #expect(reported.isEmpty)
        let json =
            #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","#
            + #""spanId":"eee19b7ec3c1b174","name":"call","attributes":[{"key":"\#(name)","value":{"stringValue":"\#(value.replacing("\"", with: "\\\""))"}}]}]}]}]}"#
        #expect(try self.reported(OTLPBatch(signal: .traces, json: Array(json.utf8))) == ["\(name) traces 1"])
    }

    @Test func `plain numbers are reported by name, over batches and signals`() throws {
        let record = Record(span: 1, name: "call", ["vendor.usage.prompt_tokens": 10, "vendor.inputTokens": 0, "a": 1])
        let event = Record(["vendor.outputTokens": 3.0])
        #expect(
            try reported(spans([record, record]), spans([record]), logs([event]))
                == ["vendor.outputTokens logs 1", "vendor.usage.prompt_tokens traces 3"]
        )
    }

    @Test(arguments: [
        "gen_ai.request.max_tokens", "llm.max_output_tokens", "vendor.token_limit", "auth.token", "csrf_token.count.",
        "system.cpu.usage", "process.memory.usage", "tokens_per_second", "vendor.usage.cost",
        "vendor.context_window_tokens",
        "token_expires", "estimated_tokens", "tokenizer", "budget_tokens", "gen_ai.aggregated_usage.input_tokens",
    ])
    func `limits, rates, costs and other things with such names are no usage`(name: String) throws {
        let json =
            #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","#
            + #""spanId":"eee19b7ec3c1b174","name":"call","attributes":[{"key":"\#(name)","value":{"intValue":"7"}}]}]}]}]}"#
        let reported = try reported(OTLPBatch(signal: .traces, json: Array(json.utf8)))
        #expect(reported == (name == "csrf_token.count." ? ["\(name) traces 1"] : []))
    }

    @Test func `texts that only mention usage are not usage`() throws {
        #expect(
            try reported(["vendor.usage": "see the manual", "token_type": "input", "vendor.tokens": "many"]).isEmpty
        )
    }

    @Test func `a known attribute whose figures cannot be read is reported`() throws {
        let kind: Attributes = ["langfuse.observation.type": "generation"]
        for value in [#"{"input_tokens":"many"}"#, #"{"input_tokens":10,,}"#] {
            var attributes = Array(kind)
            attributes.append(("mlflow.chat.tokenUsage", .string(value)))
            let record = Record(
                span: 1,
                Attributes(dictionaryLiteral: (attributes[0].key, attributes[0].value), attributes[1])
            )
            #expect(try reported(spans([record])) == ["mlflow.chat.tokenUsage (value) traces 1"])
        }
    }

    @Test func `for an implausible figure the value is reported, not the name`() throws {
        let found = try reported(["gen_ai.usage.input_tokens": 9_000_000_000_000_000])
        #expect(found == ["gen_ai.usage.input_tokens (value) traces 1"])
    }

    @Test func `a record of which figures are read is not reported`() throws {
        let read: Attributes = ["gen_ai.usage.input_tokens": 10, "vendor.usage.prompt_tokens": 10]
        #expect(try reported(read, name: "chat").isEmpty)
    }

    @Test(arguments: ["ai.streamText", "claude_code.interaction"])
    func `known sums of other records are not reported`(name: String) throws {
        #expect(try reported(["vendor.usage.prompt_tokens": 10], name: name).isEmpty)
        #expect(try reported(["vendor.usage.prompt_tokens": 10, "gen_ai.operation.name": "invoke_agent"]).isEmpty)
    }

    @Test func `of a described agent only its calls are reported`() throws {
        let record = Record(["event.name": "compaction_done", "vendor.usage.prompt_tokens": 10])
        let call = Record(["event.name": "api_request", "vendor.usage.prompt_tokens": 10])
        let batch = try logs([record, call], resource: ["service.name": "claude-code"])
        #expect(try reported(batch) == ["vendor.usage.prompt_tokens logs 1"])
    }

    @Test func `many names are reported together, and long ones not at all`() throws {
        let records = (0..<500).map { number in
            #"{"attributes":[{"key":"v.tokens.\#(number)","value":{"intValue":"7"}}]}"#
        }
        let long = #"{"attributes":[{"key":"tokens.\#(String(repeating: "x", count: 200))","value":{"intValue":"7"}}]}"#
        let list = (records + [long]).joined(separator: ",")
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(list)]}]}]}"#
        let reported = try reported(OTLPBatch(signal: .logs, json: Array(json.utf8)))
        #expect(reported.count == 65)
        #expect(reported.contains("other logs 437"))
    }

    @Test(arguments: [
        "cc-2.1.330-errors-json", "cc-2.1.330-retry-json", "cc-2.1.330-subagent-protobuf", "cc-2.1.71-tools-json",
        "codex-0.163.0-logs-binary", "codex-0.163.0-tools-json", "py-openai-v2", "py-openinference-openai",
        "py-pydantic-ai",
        "py-traceloop-anthropic", "py-traceloop-openai-json-gzip",
    ])
    func `recorded traffic of clients that are read gives no false alarm`(scenario: String) throws {
        let recordings = try Recording.all(of: scenario)
        #expect(!recordings.isEmpty)
        for recording in recordings { #expect(try reported(recording.batch()) == [], "\(recording)") }
    }
}
