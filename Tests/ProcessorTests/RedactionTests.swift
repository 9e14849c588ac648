// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import RedactionProcessor
import Testing
import Usage

@Suite struct RedactionTests {
    @Test func `it keeps the contract`() async throws {
        let folder = try TemporaryFolder()
        #expect(await ComponentConformance(.redaction, home: folder.path).violations() == [])
        var config = RedactionConfig()
        config.hashAttributes = ["user.email"]
        #expect(await ComponentConformance(.redaction, config: config, home: folder.path).violations() == [])
    }

    @Test func `names and prefixes go from records, scopes and resources`() throws {
        var batch = try batch(
            .logs,
            """
            {"resourceLogs":[{"resource":{"attributes":[\(text("my.a", "1")),\(text("host.name", "h"))]},"scopeLogs":[{"scope":{"name":"lib",
            "attributes":[\(text("my.b", "2")),\(text("exact", "3"))]},"logRecords":[{"attributes":[\(text("my.c.d", "4")),\(text("my", "5")),
            \(text("exactly", "6")),\(text("exact", "7")),\(text("exact", "8"))]}]}]}]}
            """
        )
        try process(&batch, drop: ["my.*", "exact"])
        let sent = try batch.otlp.sent()
        #expect(["1", "2", "3", "4", "7", "8"].allSatisfy { !sent.contains("\"\($0)\"") })
        #expect(["h", "5", "6"].allSatisfy { sent.contains("\"\($0)\"") })
    }

    @Test func `additions of an earlier processor are dropped, too`() throws {
        var batch = try logs(#""attributes":[\#(text("a", "1"))]"#)
        batch.otlp.overlay.append("my.secret", "s3cret", toRecord: 0)
        batch.otlp.set("a", to: "s3cret", record: 0)
        batch.otlp.overlay.appendResource("my.secret", "s3cret", resource: 0)
        batch.otlp.overlay.append("kept", "k3pt", toRecord: 0)
        try process(&batch, drop: ["my.*", "a"])
        #expect(try !batch.otlp.sent().contains("s3cret"))
        #expect(try batch.otlp.sent().contains("k3pt"))
        #expect(batch.otlp.attribute("my.secret", of: .record(0)) == nil)
    }

    @Test func `messages in span events, links and exemplars go`() throws {
        var batch = try spans(
            """
            "name":"chat","events":[{"name":"gen_ai.user.message","attributes":[\(text("other", "s3cret"))]},
            {"name":"exception","attributes":[\(text("exception.message", "s3cret")),\(text("exception.type", "kept")),\(text("gen_ai.prompt", "s3cret"))]},
            {"name":"the user said s3cret"},{"name":"gen_ai.content.prompt"},{"name":"gen_ai.request.attempt"}],
            "links":[{"attributes":[\(text("input.value", "s3cret"))]}]
            """
        )
        try process(&batch)
        let sent = try batch.otlp.sent()
        #expect(!sent.contains("s3cret"))
        #expect(sent.contains("exception") && sent.contains("kept") && sent.contains("gen_ai.request.attempt"))
        #expect(!sent.contains("gen_ai.content.prompt"))
        var points = try metrics(
            #""name":"m","gauge":{"dataPoints":[{"asInt":"1","exemplars":[{"asInt":"1","filteredAttributes":[\#(text("prompt", "s3cret"))]}]}]}"#
        )
        try process(&points)
        #expect(try !points.otlp.sent().contains("s3cret"))
        #expect(try points.otlp.sent().contains(#""exemplars":[{"asInt":"1"}]"#))
    }

    @Test func `span events can be kept, without their messages`() throws {
        var batch = try spans(
            #""name":"s","events":[{"name":"a sentence"},{"name":"gen_ai.choice","attributes":[\#(text("gen_ai.event.content", "s3cret"))]}]"#
        )
        var config = RedactionConfig()
        config.spanEvents = .keep
        try ComponentFactory.redaction.makeProcessor(config, settings("redaction")).process(&batch)
        let sent = try batch.otlp.sent()
        #expect(sent.contains("a sentence") && sent.contains("gen_ai.choice") && !sent.contains("s3cret"))
    }

    static let bodies: [(String, Bool)] = [
        (
            #""eventName":"gen_ai.user.message","body":{"kvlistValue":{"values":[{"key":"x","value":{"stringValue":"body-text"}}]}}"#,
            false
        ),
        (#""eventName":"gen_ai.choice","body":{"stringValue":"body-text"}"#, false),
        (
            #""attributes":[{"key":"event.name","value":{"stringValue":"gen_ai.choice"}}],"body":{"bytesValue":"Ym9keS10ZXh0"}"#,
            false
        ),
        (#""body":{"kvlistValue":{"values":[{"key":"content","value":{"stringValue":"body-text"}}]}}"#, false),
        (
            #""body":{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"parts","value":{"stringValue":"body-text"}}]}}]}}"#,
            false
        ),
        (#""body":{"stringValue":"{\"messages\":[\"body-text\"]}"}"#, false),
        (
            #""body":{"stringValue":"body-text as told"},"attributes":[{"key":"prompt","value":{"stringValue":"x"}}]"#,
            false
        ),
        (
            #""eventName":"x.user_prompt","body":{"stringValue":"body-text.x.user_prompt"},"attributes":[{"key":"prompt"}]"#,
            true
        ),
        (
            #""eventName":"user_prompt","body":{"stringValue":"a body-text that ends in more than a namespace: user_prompt"},"attributes":[{"key":"prompt"}]"#,
            false
        ),
        (#""body":{"stringValue":"body-text: an ordinary line"}"#, false),
        (#""body":{"kvlistValue":{"values":[{"key":"path","value":{"stringValue":"body-text"}}]}}"#, false),
        (#""body":{"stringValue":"{\"level\":\"body-text\"}"}"#, false),
        (#""body":{"stringValue":"body-text started"}"#, true),
        (#""body":{"kvlistValue":{"values":[{"key":"request.id","value":{"stringValue":"body-text"}}]}}"#, true),
    ]

    @Test(arguments: bodies)
    func `a body goes when it carries a message`(record: String, isKept: Bool) throws {
        var batch = try logs(record)
        let names = batch.otlp.records.map { batch.otlp.string($0.name) }
        try process(&batch)
        let sent = try batch.otlp.sent()
        #expect((sent.contains("body-text") || sent.contains("Ym9keS10ZXh0")) == isKept)
        #expect(batch.otlp.records.map { batch.otlp.string($0.name) } == names)
        var kept = try logs(record)
        var config = RedactionConfig()
        config.logBodies = .keep
        try ComponentFactory.redaction.makeProcessor(config, settings("redaction")).process(&kept)
        #expect(kept.otlp.records[0].bodyKind != .empty)
    }

    @Test func `rules that would harm the counting are refused, each with its place`() {
        let problems = decoded(
            RedactionConfig.self,
            """
            drop_attributes: [prompt, input_tokens, "a*b", "*", gen_ai.*, user.email]
            hash_attributes: [user.email, cost_usd, "user.*", ""]
            salt: short
            log_body: keep
            """
        ).problems
        #expect(
            problems == [
                "unknown key \"log_body\"",
                "usage-attribute at drop_attributes.1: calls are counted by \"input_tokens\"; it holds no text",
                "pattern at drop_attributes.2: \"a*b\" is no name and no prefix",
                "pattern at drop_attributes.3: \"*\" is no name and no prefix",
                "usage-attribute at hash_attributes.1: calls are counted by \"cost_usd\"; a hash of it could not be counted",
                "pattern at hash_attributes.2: \"user.*\" is no attribute's name",
                "pattern at hash_attributes.3: \"\" is no attribute's name",
                "short-salt at salt: a short salt can be guessed",
            ]
        )
        #expect(decoded(RedactionConfig.self, "").problems == [])
    }

    @Test func `hostile records do no harm`() throws {
        let deep =
            String(repeating: #"{"arrayValue":{"values":["#, count: 40) + #"{"stringValue":"x"}"#
            + String(repeating: "]}}", count: 40)
        var batch = try logs(
            #""attributes":[{"key":"","value":{"stringValue":""}},{"key":"prompt"},{"value":{"intValue":"1"}},{"key":"é","value":\#(deep)}]"#,
            #""body":{"stringValue":"{\"\"\"\"\"\"\""}"#,
            #""body":\#(deep)"#,
            #""body":{"stringValue":"\""}"#
        )
        try process(&batch)
        #expect(batch.otlp.attribute("prompt", of: .record(0)) == nil)
        #expect(try batch.otlp.sent().contains("é"))
    }

    private func process(_ batch: inout Batch, drop: [String]? = nil) throws {
        var config = RedactionConfig()
        if let drop { config.dropAttributes = drop }
        try ComponentFactory.redaction.makeProcessor(config, settings("redaction")).process(&batch)
    }
}
