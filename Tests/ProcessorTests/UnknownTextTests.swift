// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import OTLP
import Testing
import TokensProcessor
import Usage

@testable import RedactionProcessor

/// Text is removed in any place, without a list of names; figures and names stay.
@Suite struct UnknownTextTests {
    /// Four words in several scripts, with several spaces and encoded, and the part that must not be left.
    static let sentences: [(text: String, secret: String)] = [
        ("delete the production database", "the production"),
        ("please\\tdelete\\tthe\\tdatabase", "database"),
        ("please\\ndelete\\nthe\\ndatabase", "database"),
        ("delete\u{a0}the\u{a0}production\u{a0}database", "production"),
        ("delete\u{2003}the\u{200b}production\u{3000}database", "production"),
        ("请帮我删除生产环境的数据库", "删除"),
        ("本番のデータベースを削除してください", "データベース"),
        ("운영데이터베이스를지워주세요", "데이터베이스"),
        ("ลบฐานข้อมูลการผลิตทันที", "ฐานข้อมูล"),
        ("удали рабочую базу данных", "рабочую"),
        ("احذف قاعدة بيانات الإنتاج", "قاعدة"),
        ("ZGVsZXRlIHRoZSBwcm9kdWN0aW9uIGRhdGFiYXNl", "ZGVsZXRlIHRoZSBwcm9kdWN0aW9uIGRhdGFiYXNl"),
        ("64656c657465207468652064617461206e6f77", "64656c657465207468652064617461206e6f77"),
        ("{\\\"a\\\":\\\"delete the production database\\\"}", "production"),
        ("[{\\\"x\\\":{\\\"y\\\":[\\\"delete the production database\\\"]}}]", "production"),
        ("{'q': 'delete the production database', 'n': None}", "production"),
        ("https://example.org/search?q=delete+the+database", "delete"),
        ("rm -rf --no-preserve-root /data", "preserve"),
    ]

    private static let value = #"{"stringValue":"SECRET"}"#
    private static let span = #"{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708""#

    /// Requests with a text in every place of OTLP.
    static let requests: [(Signal, String)] =
        [
            #""name":"SECRET""#, #""traceState":"a=SECRET""#, #""status":{"code":2,"message":"SECRET"}"#,
            #""attributes":[{"key":"new.vendor.thing","value":VALUE}]"#,
            #""attributes":[{"key":"agent.name.of.none","value":VALUE}]"#,
            #""attributes":[{"key":"vendor.model","value":VALUE}]"#,
            #""attributes":[{"key":"SECRET","value":{"stringValue":"x"}}]"#,
            #""attributes":[{"key":"exception.type","value":VALUE},{"key":"error","value":VALUE}]"#,
            #""attributes":[{"key":"vendor.usage","value":VALUE}]"#,
            #""attributes":[{"key":"gen_ai.usage.raw","value":VALUE}]"#,
            #""attributes":[{"key":"input_tokens","value":VALUE}]"#,
            #""attributes":[{"key":"session.id","value":{"arrayValue":{"values":[VALUE]}}}]"#,
            #""attributes":[{"key":"user.id","value":{"kvlistValue":{"values":[{"key":"note","value":VALUE}]}}}]"#,
            #""attributes":[{"key":"list","value":{"arrayValue":{"values":[{"intValue":"1"},VALUE]}}}]"#,
            #""attributes":[{"key":"map","value":{"kvlistValue":{"values":[{"key":"id","value":VALUE}]}}}]"#,
            #""attributes":[{"key":"map","value":{"kvlistValue":{"values":[{"key":"SECRET","value":{"intValue":"1"}}]}}}]"#,
            #""attributes":[{"key":"map","value":{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[VALUE]}}}]}}]}}}]"#,
            #""events":[{"name":"SECRET"}]"#, #""events":[{"name":"e","attributes":[{"key":"k","value":VALUE}]}]"#,
            #""links":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","traceState":"a=SECRET","attributes":[{"key":"k","value":VALUE}]}]"#,
        ].map { (.traces, #"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(span),\#($0)}]}]}]}"#) }
        + [
            #""severityText":"SECRET""#, #""eventName":"SECRET""#, #""body":VALUE"#,
            #""body":{"arrayValue":{"values":[VALUE]}}"#,
            #""body":{"kvlistValue":{"values":[{"key":"k","value":VALUE}]}}"#,
            #""attributes":[{"key":"event.name","value":VALUE}]"#,
        ].map { (.logs, #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{\#($0)}]}]}]}"#) }
        + [
            #"{"resource":{"attributes":[{"key":"k","value":VALUE}]},"scopeLogs":[{"logRecords":[{}]}]}"#,
            #"{"resource":{"entityRefs":[{"type":"SECRET"}]},"scopeLogs":[{"logRecords":[{}]}]}"#,
            #"{"schemaUrl":"SECRET","scopeLogs":[{"logRecords":[{}]}]}"#,
            #"{"scopeLogs":[{"scope":{"name":"SECRET"},"logRecords":[{}]}]}"#,
            #"{"scopeLogs":[{"scope":{"name":"s","version":"SECRET"},"logRecords":[{}]}]}"#,
            #"{"scopeLogs":[{"scope":{"name":"s","attributes":[{"key":"k","value":VALUE}]},"logRecords":[{}]}]}"#,
            #"{"scopeLogs":[{"schemaUrl":"SECRET","logRecords":[{}]}]}"#,
        ].map { (.logs, #"{"resourceLogs":[\#($0)]}"#) }
        + [
            #""name":"SECRET","gauge":{"dataPoints":[{"asInt":"1"}]}"#,
            #""name":"m","description":"SECRET","gauge":{"dataPoints":[{"asInt":"1"}]}"#,
            #""name":"m","unit":"SECRET","sum":{"dataPoints":[{"asInt":"1"}]}"#,
            #""name":"m","metadata":[{"key":"k","value":VALUE}],"summary":{"dataPoints":[{"count":"1"}]}"#,
            #""name":"m","histogram":{"dataPoints":[{"count":"1","attributes":[{"key":"k","value":VALUE}]}]}"#,
            #""name":"m","gauge":{"dataPoints":[{"asInt":"1","exemplars":[{"asInt":"1","filteredAttributes":[{"key":"k","value":VALUE}]}]}]}"#,
        ].map { (.metrics, #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{\#($0)}]}]}]}"#) }

    @Test func `no sentence is left in any place, in any script or code`() throws {
        for (signal, request) in Self.requests {
            for (sentence, secret) in Self.sentences {
                let json = request.replacing("VALUE", with: Self.value).replacing("SECRET", with: sentence)
                var batch = try batch(signal, json)
                let records = batch.otlp.recordCount
                try process(&batch)
                let sent = try batch.otlp.sent()
                #expect(!sent.contains(secret), "\(request): \(sent)")
                #expect(batch.otlp.recordCount == records)
            }
        }
    }

    @Test(arguments: 1...4)
    func `the decision on a text does not depend on earlier texts of the batch`(order: Int) throws {
        // Similar texts, of which some are allowed and some are not, under keys of several classes.
        let texts = [
            "claude-sonnet-4-5", "claude-sonnet-4-6", "fixTheLoginBugNow", "resp_0a1b2c3d4e5f", "resp_0a1b2c3d4e5g",
            "ghp_0123456789abcdef", "ghp-0123456789abcdef", "delete the database", "please delete the database",
            "ZGVsZXRlIHRoZSBkYXRhYmFzZQ", "ZGVsZXRlIHRoZSBkYXRhYmFzZR", "gpt-5", "anthropic",
        ]
        let keys = ["new.vendor.thing", "session.id", "vendor.model", "exception.type", "gen_ai.conversation.id"]
        let records = (0..<600).map { number in
            text(keys[(number * 7 + order) % keys.count], texts[(number * number + number * order) % texts.count])
        }
        var alone: [String: String] = [:]
        for record in Set(records) {
            var batch = try logs(#""attributes":[\#(record)]"#)
            try process(&batch)
            alone[record] = try attributes(of: batch, record: 0)
        }
        let all = records.map { #"{"attributes":[\#($0)]}"# }.joined(separator: ",")
        var together = try batch(.logs, #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(all)]}]}]}"#)
        try process(&together)
        #expect(Set(alone.values).count > 10)
        for (number, record) in records.enumerated() {
            #expect(try attributes(of: together, record: number) == alone[record], "\(record)")
        }
    }

    /// The attributes as text, without the marks, which differ between processes.
    private func attributes(of batch: Batch, record: Int) throws -> String {
        batch.otlp.attributes(of: .record(record)).map { entry in
            let value = batch.otlp.text(of: entry.value)
            return "\(batch.otlp.string(entry.key))=\(value.hasPrefix("redacted-") ? "redacted" : value)"
        }.joined(separator: ",")
    }

    @Test func `bytes go, and so does what hides behind a value`() throws {
        var batch = try logs(
            #""attributes":[{"key":"k","value":{"bytesValue":"ZGVsZXRlIHRoZSBkYXRh"}},{"key":"n","value":{"intValue":"7"}}]"#
        )
        try process(&batch)
        #expect(try !batch.otlp.sent().contains("ZGVs"))
        // A string before the number that counts, because of several members the last one counts.
        var writer = ProtobufWriter()
        writer.message(1) { level in
            level.message(2) { scope in
                scope.message(2) { record in
                    record.message(6) { attribute in
                        attribute.string(1, "input_tokens")
                        attribute.message(2) { value in
                            value.string(1, "delete the production database")
                            value.int(3, 7)
                        }
                    }
                    record.message(5) { body in
                        body.string(1, "delete the production database")
                        body.int(3, 7)
                    }
                    record.string(60, "delete the production database")
                }
            }
        }
        var hidden = Batch(try OTLPBatch(signal: .logs, protobuf: writer.finish()), receivedAt: arrival)
        try process(&hidden)
        #expect(!String(decoding: hidden.otlp.encoded(), as: UTF8.self).contains("production"))
        #expect(hidden.otlp.attribute(.inputTokens, record: 0) == .int(7))
        #expect(try hidden.otlp.sent().contains(#""intValue":"7""#))
    }

    @Test func `names, ids, numbers and codes stay`() throws {
        let kept = [
            "gpt-5.1-codex-max", "anthropic/claude-sonnet-4.5", "0102030405060708090a0b0c0d0e0f10",
            "e8c647bfa368881f91c12e72453116006f6b7d2d1401e5981944ff0a002258b1", "toolu_019qAmEANX54AGaexYp2D6NL",
            "2026-11-22T08:14:10.104Z", "-1.5e3", "200 OK", "Travel Agent", "endpoint/responses.rs",
            "codex_core::mcp",
            "ann@example.org", "Zürich", "Дом", "山田太郎", "true", "http://127.0.0.1:8801/v1/", "",
        ]
        for value in kept {
            var batch = try logs(#""attributes":[\#(text("new.vendor.thing", value))]"#)
            try process(&batch)
            #expect(batch.otlp.attribute("new.vendor.thing", of: .record(0)).map(batch.otlp.text) == value, "\(value)")
        }
    }

    @Test(arguments: [
        (#"{"stringValue":"fix"},{"stringValue":"the"},{"stringValue":"login"},{"stringValue":"bug"}"#, false),
        (#"{"stringValue":"eu"},{"stringValue":"us"},{"stringValue":"asia"}"#, true),
        (
            #"{"stringValue":"1"},{"stringValue":"2.5"},{"stringValue":"-3"},{"stringValue":"4e9"},{"intValue":"5"}"#,
            true
        ),
    ])
    func `the words of an array are judged together`(values: String, isKept: Bool) throws {
        var batch = try logs(
            #""attributes":[{"key":"new.vendor.thing","value":{"arrayValue":{"values":[\#(values)]}}}]"#
        )
        try process(&batch)
        #expect((batch.otlp.attribute("new.vendor.thing", of: .record(0)) != nil) == isKept)
    }

    /// A sentence of four words or more under an unknown key, with any separators.
    @Test(arguments: [
        "fix-the-login-bug-in-auth", "please_delete_all_files", "fix.the.login.bug", "fix:the:login:bug",
        "fix/the/login/bug",
        "fix+the+login+bug", "fixTheLoginBug", "FixTheLoginBug", "fix1the2login3bug", "удали-рабочую-базу-данных",
    ])
    func `words count however they are joined`(sentence: String) throws {
        let keys = [
            "new.vendor.thing", "vendor.status", "gen_ai.response.id", "gen_ai.system", "service.version", "error",
        ]
        let isSplitBySigns = sentence.contains { "-_.:/+".contains($0) }
        for key in keys
        where isSplitBySigns || !["gen_ai.response.id", "gen_ai.system", "service.version"].contains(key) {
            var batch = try logs(#""attributes":[\#(text(key, sentence))]"#)
            try process(&batch)
            #expect(try !batch.otlp.sent().contains(sentence), "\(key)")
        }
    }

    @Test(arguments: [
        ("gen_ai.response.id", "chatcmpl-WvffxznAZuhSNDT4GKzzNR1Pxv35Z"),
        ("gen_ai.system", "vertex_ai-anthropic_models"),
        ("gen_ai.request.model", "claude-opus-4-1-20250805"), ("tool_name", "mcp__server__do_the_thing"),
        ("vendor.project.name", "my-cool-web-app"), ("host.name", "ip-10-0-0-1.eu-west-1.compute.internal"),
        ("error.type", "litellm.exceptions.ContextWindowExceededError"), ("session.id", "fix-the-login-bug-in-auth"),
    ])
    func `names stay under keys that name something`(key: String, value: String) throws {
        var batch = try logs(#""attributes":[\#(text(key, value))]"#)
        try process(&batch)
        #expect(try batch.otlp.sent().contains("\"\(value)\""))
    }

    @Test(arguments: [
        "service.version", "gen_ai.response.id", "gen_ai.system", "host.name", "enduser.id", "agent.name",
    ])
    func `a sentence in a label leaves a mark that is equal for equal values`(key: String) throws {
        let record = #"{"attributes":[\#(text(key, "delete the production database"))]}"#
        var batch = try batch(.logs, #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(record),\#(record)]}]}]}"#)
        try process(&batch)
        let marks = (0...1).map { batch.otlp.attribute(key, of: .record($0)).map(batch.otlp.text) }
        #expect(marks[0] == marks[1] && marks[0]?.hasPrefix("redacted-") == true)
    }

    @Test func `a sentence with one word in each attribute is dropped`() throws {
        for keys in [["w1", "w2", "w3", "w4"], (0..<9).map { "part.\("abcdefghi".dropFirst($0).prefix(1))" }] {
            var batch = try logs(#""attributes":[\#(keys.map { text($0, "production") }.joined(separator: ","))]"#)
            try process(&batch)
            #expect(try !batch.otlp.sent().contains("production"))
        }
    }

    @Test(arguments: [
        (
            #"{"kvlistValue":{"values":[{"key":"fix","value":{"intValue":"1"}},{"key":"the","value":{"intValue":"1"}},{"key":"login","value":{"intValue":"1"}},{"key":"bug","value":{"intValue":"1"}}]}}"#,
            false
        ),
        (
            #"{"kvlistValue":{"values":[{"key":"hits","value":{"intValue":"1"}},{"key":"misses","value":{"intValue":"1"}}]}}"#,
            true
        ),
        (#"{"kvlistValue":{"values":[{"key":"password","value":{"intValue":"1234"}}]}}"#, false),
        (
            #"{"arrayValue":{"values":[\#("fix the login bug".utf8.map { #"{"intValue":"\#($0)"}"# }.joined(separator: ","))]}}"#,
            false
        ),
        (
            #"{"arrayValue":{"values":[\#("fix the login bug".utf8.map { #"{"doubleValue":\#($0)}"# }.joined(separator: ","))]}}"#,
            false
        ),
        (
            #"{"arrayValue":{"values":[\#((0..<12).map { #"{"intValue":"\#($0 * 300)"}"# }.joined(separator: ","))]}}"#,
            true
        ),
    ])
    func `keys of a map are words, and codes of characters are text`(value: String, isKept: Bool) throws {
        var batch = try logs(#""attributes":[{"key":"new.vendor.thing","value":\#(value)}],"body":\#(value)"#)
        try process(&batch)
        #expect((batch.otlp.attribute("new.vendor.thing", of: .record(0)) != nil) == isKept)
        #expect((batch.otlp.records[0].body == .empty) == !isKept)
    }

    @Test(arguments: [
        ("password", "hunter2"), ("db.password", "hunter2"), ("api_key", "abc"), ("authorization", "abc"),
        ("secret", "abc"),
        ("access_token", "abc"), ("token", "abc"), ("thing", "sk-abcdefghijklmnop"), ("thing", "ghp_abcdefghijkl"),
        ("thing.name", "xoxb-1234567890"), ("thing", "AKIAIOSFODNN7EXAMPLE"),
        ("thing.id", "eyJhbGciOiJIUzI1NiJ9.e30.abc"),
        ("thing", "password:hunter2"), ("session.id", "sk-abcdefghijklmnop"), ("thing", "-----BEGIN KEY-----"),
    ])
    func `secrets go, by their key or by their form`(key: String, value: String) throws {
        var batch = try logs(#""attributes":[\#(text(key, value))]"#)
        try process(&batch)
        #expect(try !batch.otlp.sent().contains("\"\(value)\""))
    }

    @Test func `a span is called something, and equal names stay equal`() throws {
        let name = #""name":"delete the production database""#
        var batch = try spans(name, name, #""name":"delete the other database now""#, #""name":"POST /v1/messages""#)
        try process(&batch)
        let names = batch.otlp.records.map { batch.otlp.string($0.name) }
        #expect(names[0] == names[1] && names[0] != names[2] && names[3] == "POST /v1/messages")
        #expect(names[0].hasPrefix("redacted-") && names[2].hasPrefix("redacted-"))
        let again = try OTLPBatch(signal: .traces, protobuf: batch.otlp.encoded())
        #expect(again.records.map { again.string($0.name) } == names)
    }

    /// Usage as a text in one attribute: of Langfuse, MLflow, LangSmith, LiteLLM (printed by Python), Logfire and the Vercel AI SDK.
    @Test(arguments: [
        (
            "langfuse.observation.usage_details",
            #"{"input":14572,"note":"delete the production database","output":783}"#
        ),
        ("mlflow.chat.tokenUsage", #"{"input_tokens": 14572, "output_tokens": 783, "cache_read_input_tokens": 13589}"#),
        (
            "langsmith.metadata.usage_metadata",
            #"{"input_tokens":10,"output_tokens":2,"input_token_details":{"cache_read":4}}"#
        ),
        (
            "metadata.usage_object",
            "{'prompt_tokens': 385, 'completion_tokens': 17, 'prompt_tokens_details': None, 'x': 'delete the production database'}"
        ),
        ("gen_ai.usage.raw", #"{"input_tokens":5,"output_tokens":1,"service_tier":"standard"}"#),
    ])
    func `usage objects keep their figures and lose their texts`(key: String, value: String) throws {
        let tokens = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings("tokens"))
        let escaped = value.replacing("\"", with: "\\\"")
        let record = #""name":"chat","attributes":[\#(text(key, escaped)),\#(text("gen_ai.request.model", "gpt-5.1"))]"#
        var plain = try spans(record)
        var before = plain
        try tokens.process(&plain)
        var behind = plain
        try process(&before)
        try tokens.process(&before)
        try process(&behind)
        #expect(plain.observations.count == 1)
        #expect(before.observations == plain.observations && behind.observations == plain.observations)
        for batch in [before, behind] {
            #expect(try !batch.otlp.sent().contains("production"))
        }
        if !value.contains("production") {
            #expect(before.otlp.attribute(key, of: .record(0)).map(before.otlp.text) == value)
        }
    }

    /// An answer word by word: log probabilities, lists of tokens, costs by word, and the Vercel AI SDK's metadata with them.
    @Test(arguments: [
        (
            "llm.token_logprobs",
            #"[{"token":"Your","logprob":-0.1},{"token":"diagnosis","logprob":-1},{"token":"is","logprob":0},{"token":"grave","logprob":0}]"#
        ),
        ("acme.output.tokens", #"["Your","diagnosis","is","grave"]"#),
        ("acme.output.tokens", "['Your', 'diagnosis', 'is', 'grave']"),
        ("prompt.tokens", "Your,diagnosis,is,grave"), ("prompt.tokens", "Your(diagnosis(is(grave(1))))"),
        ("cost.breakdown", #"{"Your":0.1,"diagnosis":0.2,"is":0.3,"grave":0.4}"#),
        ("cost.breakdown", "Cost(Your=1, diagnosis=2, is=3, grave=4)"),
        ("gen_ai.usage.raw", #"{"input_tokens":5,"words":["Your","diagnosis","is","grave"]}"#),
        (
            "metadata.usage_object",
            "{'prompt_tokens': 385, 'type': 'Your', 'details': [{'type': 'diagnosis'}, {'type': 'is'}, {'type': 'grave'}]}"
        ),
        (
            "ai.response.providerMetadata",
            #"{"openai":{"logprobs":[[{"token":"Your","logprob":0},{"token":"diagnosis"},{"token":"is"},{"token":"grave"}]]}}"#
        ),
        ("mlflow.chat.tokenUsage", #"[[["Your"],["diagnosis"]],[["is"],["grave"]]]"#),
    ])
    func `an answer that comes word by word in an account goes`(key: String, value: String) throws {
        var batch = try logs(#""attributes":[\#(text(key, value.replacing("\"", with: "\\\"")))]"#)
        try process(&batch)
        let sent = try batch.otlp.sent()
        let left = ["Your", "diagnosis", "grave"].filter(sent.contains)
        #expect(left.count < 3, "\(left) of \(sent)")
    }

    @Test(arguments: [
        "x.tool.names", "x.models", "rag.ids", "doc.entity.names", "gen_ai.response.finish_reasons", "llm.tokens", "k",
    ])
    func `a list of words goes under any key, and repeated words are no sentence`(key: String) throws {
        func list(_ words: [String]) -> String {
            let values = words.map { #"{"stringValue":"\#($0)"}"# }.joined(separator: ",")
            return #""attributes":[{"key":"\#(key)","value":{"arrayValue":{"values":[\#(values)]}}}]"#
        }
        for words in [["please", "fix", "the", "login"], ["please fix", "the login"]] {
            var batch = try logs(list(words))
            try process(&batch)
            #expect(try !batch.otlp.sent().contains("login"))
        }
        var batch = try logs(list(["stop", "stop", "length", "stop", "stop"]))
        try process(&batch)
        #expect(try batch.otlp.sent().contains("length"))
    }

    @Test func `accounts of known providers stay as they are`() throws {
        let accounts = [
            #"{"input_tokens":4,"cache_creation":{"ephemeral_5m_input_tokens":1,"ephemeral_1h_input_tokens":2},"server_tool_use":{"web_search_requests":1},"service_tier":"standard","inference_geo":"not_available","iterations":[{"type":"message","input_tokens":4}],"speed":"standard"}"#,
            #"{"prompt_tokens":1,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":3},"cost":0.02,"cost_details":{"upstream_inference_cost":0.01},"is_byok":false}"#,
            #"{"promptTokenCount":3,"thoughtsTokenCount":9,"promptTokensDetails":[{"modality":"TEXT","tokenCount":3},{"modality":"IMAGE","tokenCount":1}],"trafficType":"ON_DEMAND"}"#,
            "Usage(completion_tokens=17, prompt_tokens=385, prompt_tokens_details=PromptTokensDetailsWrapper(audio_tokens=None, cached_tokens=900))",
            "{ inputTokens: 4, outputTokenDetails: { reasoningTokens: undefined, textTokens: 3 } }",
            "Usage { input_tokens: 4, output_tokens: 3 }",
            "{'cache_creation_input_tokens_above_200k': 5, 'total_cost': 1.5e-05, 'nan': nan}",
        ]
        for account in accounts {
            var batch = try logs(#""attributes":[\#(text("gen_ai.usage.raw", account.replacing("\"", with: "\\\"")))]"#)
            try process(&batch)
            #expect(batch.otlp.attribute("gen_ai.usage.raw", of: .record(0)).map(batch.otlp.text) == account)
        }
    }

    /// What LiteLLM, LangSmith and MLflow write by version.
    @Test(arguments: [
        #"{"prompt_tokens":1000,"prompt_tokens_details":{"cached_tokens":900}}"#,
        #"{"prompt_tokens":"1000","prompt_tokens_details":{"cached_tokens":"900"}}"#,
        "{'prompt_tokens': 1000, 'prompt_tokens_details': PromptTokensDetailsWrapper(audio_tokens=None, cached_tokens=900)}",
        "Usage(prompt_tokens=1000, prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=900))",
        "{'prompt_tokens': 1000, 'cost': nan, 'x': float('inf'), 'prompt_tokens_details': {'cached_tokens': 900}}",
        #"{'n': 'it\'s \x41', 'prompt_tokens': 1000, 'prompt_tokens_details': {'cached_tokens': 900}}"#,
        // A text in a text, as each layer that writes JSON makes one.
        #"{"prompt_tokens":1000,"prompt_tokens_details":"{\"cached_tokens\":900}"}"#,
        #""{\"prompt_tokens\":1000,\"prompt_tokens_details\":{\"cached_tokens\":900}}""#,
        #"{"prompt_tokens":1000,"prompt_tokens_details":"\"{\\\"cached_tokens\\\":900}\""}"#,
        "{'prompt_tokens': 1000, 'prompt_tokens_details': \"Details(kind='a', cached_tokens=900)\"}",
        #"{'kind': <Kind.A: 'a'>, b'raw': b'\xff', 'a b/c': 1, 'prompt_tokens': Decimal('1000'), 'prompt_tokens_details': {'cached_tokens': 900}}"#,
        "Usage[prompt_tokens=1000, prompt_tokens_details=Details[cached_tokens=900]]",
    ])
    func `figures are the same whether redaction is in front of tokens or behind, however they are printed`(
        value: String
    )
        throws
    {
        let tokens = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings("tokens"))
        let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        for key in ["metadata.usage_object", "langsmith.metadata.usage_metadata", "mlflow.chat.tokenUsage"] {
            var plain = try spans(#""name":"chat","attributes":[\#(text(key, escaped))]"#)
            var before = plain
            try tokens.process(&plain)
            try process(&before)
            try tokens.process(&before)
            #expect(plain.observations.map(\.counts.cacheRead) == [900])
            #expect(before.observations == plain.observations)
        }
    }

    @Test func `figures of generated objects are the same on both ways, and no sentence is left of them`() throws {
        let tokens = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings("tokens"))
        let read = ["prompt_tokens", "completion_tokens", "input_tokens", "cache_read_input_tokens"]
        let noise = ["note", "the production database", "gpt-4o/mini", "service_tier", "x"]
        var random = SeededGenerator(seed: 11)
        func printed(depth: Int) -> String {
            let isJSON = Bool.random(using: &random)
            let quote = isJSON ? "\"" : "'"
            func quoted(_ text: String) -> String {
                quote + text.replacing("\\", with: "\\\\").replacing(quote, with: "\\" + quote) + quote
            }
            let members = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                let name = (Bool.random(using: &random) ? read : noise).randomElement(using: &random) ?? ""
                let number = Int.random(in: 1...900, using: &random)
                let values = [
                    "\(number)", quoted("\(number)"), quoted("delete the production database"), quoted("fast"),
                    isJSON ? "null" : "<Kind.A: 'production database'>", "[\(number), {}]",
                ]
                guard depth < 3, Int.random(in: 0..<3, using: &random) == 0 else {
                    return quoted(name) + ": " + (values.randomElement(using: &random) ?? "")
                }
                let inner = printed(depth: depth + 1)
                return quoted(Bool.random(using: &random) ? "prompt_tokens_details" : name) + ": "
                    + (Bool.random(using: &random) ? inner : quoted(inner))
            }
            return "{" + members.joined(separator: ", ") + "}"
        }
        var counted = 0
        for _ in 0..<2_000 {
            let value = printed(depth: 0).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            var plain = try spans(#""name":"chat","attributes":[\#(text("metadata.usage_object", value))]"#)
            var before = plain
            try tokens.process(&plain)
            try process(&before)
            let left = try before.otlp.sent()
            try tokens.process(&before)
            counted += plain.observations.count
            #expect(before.observations == plain.observations, "\(value)")
            #expect(!left.contains("production database"), "\(value)")
        }
        #expect(counted > 200)
    }

    @Test func `an error is known by its type, whether tokens comes before or behind`() throws {
        let tokens = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings("tokens"))
        let counts =
            #"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"5"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"5"}}"#
        for (attributes, expected) in [
            (text("error.message", "delete the production database"), "redacted"),
            (text("error.type", "RateLimitError"), "RateLimitError"),
            (#"{"key":"http.response.status_code","value":{"intValue":"529"}}"#, "status 529"),
        ] {
            var before = try spans(#""name":"chat","attributes":[\#(attributes),\#(counts)]"#)
            var behind = before
            try process(&before)
            try tokens.process(&before)
            try tokens.process(&behind)
            try process(&behind)
            #expect(before.observations.map(\.error) == [expected])
            #expect(behind.observations.map(\.error) == [expected])
        }
    }

    @Test func `dropped texts are counted by the name that keeps them`() throws {
        let settings = try settings("redaction")
        let sentence = "delete the production database"
        let record = #"""
            "name":"\#(sentence)","status":{"message":"\#(sentence)"},"attributes":[\#(text("new.vendor.thing", sentence)),
            \#(text("new.vendor.thing", sentence)),\#(text("prompt", sentence)),\#(text(sentence, "x"))],"events":[{"name":"\#(sentence)"}]
            """#
        func dropped(_ config: RedactionConfig) throws -> (counts: [String: Int], left: String) {
            let settings = try self.settings(settings)
            var batch = try spans(record.replacing("\n", with: ""))
            try ComponentFactory.redaction.makeProcessor(config, settings).process(&batch)
            let counts = settings.intake.droppedTexts.map { ($0.key, $0.count) }
            return (Dictionary(uniqueKeysWithValues: counts), try batch.otlp.sent())
        }
        let all = try dropped(RedactionConfig())
        #expect(
            all.counts == [
                "span.name": 1, "status.message": 1, "new.vendor.thing": 2, "prompt": 1, "(keys that are sentences)": 1,
                "span_events": 1,
            ]
        )
        #expect(!all.left.contains("production"))
        var config = RedactionConfig()
        config.keepAttributes = ["span.name", "status.message", "new.*"]
        config.allowedKeys = ["prompt"]
        let some = try dropped(config)
        #expect(some.counts == ["(keys that are sentences)": 1, "span_events": 1])
        #expect(some.left.split(separator: "production").count == 6)
        config = RedactionConfig()
        config.allowAllKeys = true
        #expect(try dropped(config).counts == ["prompt": 1, "span_events": 1])
        #expect(decoded(RedactionConfig.self, "keep_attributes: ['a*b', x.*]").problems.count == 1)
    }

    @Test func `more keys than are remembered are dropped and counted all the same`() throws {
        let settings = try settings("redaction")
        let processor = try ComponentFactory.redaction.makeProcessor(RedactionConfig(), settings)
        for round in 0..<3 {
            let attributes = (0..<2_000).map { text("k\(round).\($0)", "delete the production database") }
            var batch = try logs(#""attributes":[\#(attributes.joined(separator: ","))]"#)
            try processor.process(&batch)
            #expect(try !batch.otlp.sent().contains("production"))
        }
        #expect(settings.intake.droppedTexts.reduce(0) { $0 + $1.count } == 6_000)
        #expect(settings.intake.droppedTexts.count == 257)
    }

    private func settings(_ other: ComponentSettings) throws -> ComponentSettings {
        ComponentSettings(id: other.id, logger: other.logger, home: other.home, now: other.now)
    }

    private func settings(_ type: String) throws -> ComponentSettings { try ProcessorTests.settings(type) }

    private func process(_ batch: inout Batch) throws {
        try ComponentFactory.redaction.makeProcessor(RedactionConfig(), settings("redaction")).process(&batch)
    }
}
