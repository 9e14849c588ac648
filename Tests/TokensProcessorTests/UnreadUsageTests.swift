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
    private func reported(
        _ batches: OTLPBatch...,
        rules: [TokenRule] = [],
        change: (inout OTLPBatch) -> Void = { _ in }
    ) throws -> [String] {
        let settings = ComponentSettings(
            id: try #require(ComponentID("tokens")),
            logger: Logger(label: "tokens") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { arrival }
        )
        var config = TokensConfig()
        config.rules = rules
        let processor = try ComponentFactory.tokens.makeProcessor(config, settings)
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

    @Test func `a value under a name that a rule of the user reads is reported`() throws {
        let rules = [
            TokenRule(.input, "acme.in"), TokenRule(.output, "acme.out"), TokenRule(.cacheRead, "acme.cached"),
        ]
        let records = [
            Record(span: 1, ["acme.in": "12,345"]), Record(span: 2, ["acme.in": 5, "acme.cached": "most"]),
            Record(span: 3, ["acme.in": 5, "acme.out": ""]), Record(span: 4, ["acme.out": -1]),
        ]
        #expect(
            try reported(spans(records), rules: rules) == [
                "acme.cached (value) traces 1", "acme.in (value) traces 1", "acme.out (value) traces 1",
            ]
        )
    }

    @Test func `a damaged account of a provider is reported beside the figures of the SDK`() throws {
        let attributes: Attributes = [
            "ai.usage.inputTokens": 5, "ai.response.providerMetadata": #"{"openai":{"cachedPro"#,
        ]
        #expect(try reported(attributes) == ["ai.response.providerMetadata (value) traces 1"])
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

    /// A value in JSON, under a name, on a span with a good figure of the answer or without.
    private func reported(_ name: String, json value: String, hasOutput: Bool) throws -> [String] {
        let output = hasOutput ? #"{"key":"gen_ai.usage.output_tokens","value":{"intValue":"9"}},"# : ""
        let json =
            #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","#
            + #""spanId":"eee19b7ec3c1b174","name":"call","attributes":[\#(output){"key":"\#(name)","value":\#(value)}]}]}]}]}"#
        return try reported(OTLPBatch(signal: .traces, json: Array(json.utf8)))
    }

    @Test(
        arguments: [
            ("gen_ai.usage.input_tokens", #"{"stringValue":"12,345"}"#),
            ("gen_ai.usage.input_tokens", #"{"stringValue":"5k"}"#),
            ("gen_ai.usage.input_tokens", #"{"doubleValue":5.5}"#),
            ("gen_ai.usage.input_tokens", #"{"arrayValue":{"values":[{"intValue":"5"}]}}"#),
            (
                "gen_ai.usage.input_tokens",
                #"{"kvlistValue":{"values":[{"key":"text","value":{"intValue":"5"}}]}}"#
            ),
            ("metadata.usage_object", #"{"stringValue":"{'prompt_tokens': 5"}"#),
            ("metadata.usage_object", #"{"stringValue":"a lot"}"#),
            ("langfuse.observation.usage_details", #"{"stringValue":"{\"tokens_in\":5}"}"#),
            ("gen_ai.usage.raw", #"{"stringValue":"{\"prompt_tokens\":\"many\"}"}"#),
        ],
        [true, false]
    )
    func `a value that is not read is reported, also beside a figure that is`(
        known: (name: String, value: String),
        hasOutput: Bool
    ) throws {
        #expect(try reported(known.name, json: known.value, hasOutput: hasOutput) == ["\(known.name) (value) traces 1"])
    }

    @Test(
        arguments: [
            ("gen_ai.usage.input_tokens", #"{"stringValue":""}"#), ("gen_ai.usage.input_tokens", "{}"),
            ("gen_ai.usage.input_tokens", #"{"stringValue":"0"}"#),
            ("gen_ai.usage.cache_read.input_tokens", #"{"intValue":"0"}"#),
            ("metadata.usage_object", #"{"stringValue":"None"}"#),
            ("langfuse.observation.usage_details", #"{"stringValue":"{\"input\":0,\"output\":0}"}"#),
            ("langfuse.observation.usage_details", #"{"stringValue":"{}"}"#),
        ],
        [true, false]
    )
    func `a value that says nothing is no problem`(known: (name: String, value: String), hasOutput: Bool) throws {
        #expect(try reported(known.name, json: known.value, hasOutput: hasOutput).isEmpty)
    }

    @Test func `a cached share that is not read is reported beside the figures that are`() throws {
        let name = "gen_ai.usage.cache_read.input_tokens"
        let value = #"{"stringValue":"900 tokens"}"#
        #expect(try reported(name, json: value, hasOutput: true) == ["\(name) (value) traces 1"])
    }

    @Test func `usage in the body of an event is reported, other bodies are not`() throws {
        func reported(_ body: String, name: String = "gen_ai.client.inference.operation.details") throws -> [String] {
            let json =
                #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"event.name","value":"#
                + #"{"stringValue":"\#(name)"}}],"body":\#(body)}]}]}]}"#
            return try self.reported(OTLPBatch(signal: .logs, json: Array(json.utf8)))
        }
        let members = #"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"31"}}"#
        let body = #"{"kvlistValue":{"values":[\#(members)]}}"#
        #expect(try reported(body) == ["body:gen_ai.usage.input_tokens logs 1"])
        #expect(try reported(body, name: "acme.call") == ["body:gen_ai.usage.input_tokens logs 1"])
        let text = #"{"stringValue":"{\"usage\":{\"prompt_tokens\":31,\"max_tokens\":5}}"}"#
        #expect(try reported(text) == ["body:usage.prompt_tokens logs 1"])
        #expect(try reported(text, name: "acme.message").isEmpty, "what a program said is no usage")
        #expect(try reported(#"{"stringValue":"tokens"}"#).isEmpty)
    }

    @Test func `usage in a list of keys and values is read`() throws {
        let json =
            #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","#
            + #""name":"call","attributes":[{"key":"gen_ai.usage.raw","value":{"kvlistValue":{"values":[{"key":"prompt_tokens","value":"#
            + #"{"intValue":"10"}},{"key":"prompt_tokens_details","value":{"kvlistValue":{"values":[{"key":"cached_tokens","value":"#
            + #"{"intValue":"4"}}]}}}]}}}]}]}]}]}"#
        let batch = try OTLPBatch(signal: .traces, json: Array(json.utf8))
        #expect(try processed(batch).observations.first?.counts.text == "6/4/0+0/0/0")
        #expect(try reported(batch).isEmpty)
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
