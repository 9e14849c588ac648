// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import TokensProcessor
import Usage

/// Usage on the span of an agent, and a cost without tokens.
struct AgentSpanTests {
    /// The counted observations after these batches went through one processor: source and input.
    private static func counted(_ batches: [[Record]]) throws -> [String] {
        let processor = try makeProcessor()
        var ledger = MemoryLedger()
        for records in batches {
            var batch = Batch(try spans(records), receivedAt: arrival)
            try processor.process(&batch)
            try ledger.absorb(batch.observations)
        }
        return ledger.calls.filter(\.isCounted).map { "\($0.sources.map(\.name)) \($0.counts.uncachedInput)" }.sorted()
    }

    private static func agent(_ span: UInt64, under parent: UInt64 = 0, input: Int64 = 30) -> Record {
        Record(
            span: span,
            parent: parent,
            name: "agent",
            ["openinference.span.kind": "AGENT", "llm.token_count.prompt": .int(input)]
        )
    }

    private static func call(_ span: UInt64, under parent: UInt64, input: Int64 = 10) -> Record {
        Record(
            span: span,
            parent: parent,
            ["openinference.span.kind": "LLM", "llm.token_count.prompt": .int(input)]
        )
    }

    private static let step = Record(span: 5, parent: 1, name: "step", ["openinference.span.kind": "CHAIN"])

    @Test(arguments: [
        ("openinference.span.kind", "AGENT"), ("openinference.span.kind", "agent"),
        ("gen_ai.operation.name", "invoke_agent"),
        ("langfuse.observation.type", "agent"), ("mlflow.spanType", #""AGENT""#), ("traceloop.span.kind", "agent"),
    ])
    func `usage on an agent's span alone is one call of a source of its own`(key: String, kind: String) throws {
        let found = try spanObservation([key: .string(kind), "gen_ai.usage.input_tokens": 30] as Attributes)
        #expect(found?.source == .agentSpan)
        #expect(found?.counts.uncachedInput == 30)
        #expect(found?.blockingKey == 0)
    }

    @Test(arguments: [
        [[agent(1), call(2, under: 1)]], [[call(2, under: 1)], [agent(1)]], [[agent(1)], [call(2, under: 1)]],
        [[call(2, under: 5), step, agent(1)]], [[call(2, under: 5)], [step], [agent(1)]],
        [[call(2, under: 5)], [step, agent(1)]], [[call(2, under: 5), step], [agent(1)]],
        [[agent(1)], [call(2, under: 5), step]], [[call(2, under: 1)], [agent(1)], [agent(1)]],
        [[agent(1)], [step], [call(2, under: 5)]], [[step], [agent(1)], [call(2, under: 5)]],
        [[step], [call(2, under: 5)], [agent(1)]], [[agent(1)], [call(2, under: 5)], [step]],
    ])
    func `it is not counted when a model call below it reports usage`(batches: [[Record]]) throws {
        #expect(try Self.counted(batches) == [#"["otlp_span"] 10"#])
    }

    @Test(arguments: orders(of: 4))
    func `in whatever order the spans of a trace come, each in a batch of its own, the answer is the same`(order: [Int])
        throws
    {
        let named = Record(
            span: 1,
            name: "agent",
            [
                "openinference.span.kind": "AGENT", "llm.token_count.prompt": 30, "session.id": "s-1", "user.id": "u-3",
            ]
        )
        var inner = Self.call(3, under: 2, input: 4)
        inner.name = "request"
        let records = [named, Self.step, Self.call(2, under: 5), inner]
        let processor = try makeProcessor()
        var ledger = MemoryLedger()
        for place in order {
            var batch = Batch(try spans([records[place]]), receivedAt: arrival)
            try processor.process(&batch)
            try ledger.absorb(batch.observations)
        }
        let counted = ledger.calls.filter(\.isCounted)
        #expect(counted.map(\.counts.uncachedInput) == [4])
        #expect(counted.map(\.session) == ["s-1"])
        #expect(counted.map(\.user) == ["u-3"])
    }

    private static func orders(of count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return orders(of: count - 1).flatMap { order in
            (0..<count).map { place in Array(order[..<place]) + [count - 1] + order[place...] }
        }
    }

    @Test func `of nested agents the lowest counts`() throws {
        let agents = [Self.agent(1), Self.agent(2, under: 1, input: 20)]
        #expect(try Self.counted([agents]) == [#"["agent_span"] 20"#])
        #expect(try Self.counted([[agents[1]], [agents[0]]]) == [#"["agent_span"] 20"#])
    }

    @Test func `a model call above an agent is no roll-up of it`() throws {
        let found = try Self.counted([[Self.call(1, under: 0), Self.agent(2, under: 1)]])
        #expect(found == [#"["agent_span"] 30"#, #"["otlp_span"] 10"#])
    }

    // MARK: - Calls that come by another way

    /// An agent's run from 1,000 to 1,010 s of a session.
    private static let run: Record = {
        var run = Record(
            span: 1,
            name: "query",
            ["openinference.span.kind": "AGENT", "llm.token_count.prompt": 30, "session.id": "s-1"]
        )
        (run.start, run.time) = (1_000_000_000_000, 1_010_000_000_000)
        return run
    }()

    /// How many calls count, with the sum before the log record and after it.
    private static func counts(_ log: Record, service: String, scope: String = "") throws -> [Int] {
        let batches = try [spans([run]), logs([log], resource: ["service.name": .string(service)], scope: scope)]
        return try [batches, batches.reversed(), batches + batches].map { batches in
            // Each pipeline has its own processor.
            let shared = SharedParts()
            let pipelines = try [Signal.logs: makeProcessor(shared: shared), .traces: makeProcessor(shared: shared)]
            var ledger = MemoryLedger()
            for otlp in batches {
                var batch = Batch(otlp, receivedAt: arrival)
                try pipelines[otlp.signal]?.process(&batch)
                try ledger.absorb(batch.observations)
            }
            return ledger.calls.count(where: \.isCounted)
        }
    }

    @Test func `a sum with the session of an agent that reports its calls itself is not counted, in any order`() throws
    {
        // OpenInference around the Claude Agent SDK names Claude Code's session.
        var request = Record(["event.name": "api_request", "session.id": "s-1", "input_tokens": 10, "model": "m"])
        request.time = 1_005_000_000_000
        #expect(try Self.counts(request, service: "claude-code") == [1, 1, 1])
        var line = Record(["session.id": "s-1", "input_tokens": 10, "model": "m"])
        (line.name, line.time) = ("hammurabi.transcript.call", 900_000_000_000)
        #expect(try Self.counts(line, service: "claude-code", scope: "hammurabi.agent_sessions") == [1, 1, 1])
    }

    @Test(arguments: [
        ("s-2", 1_005, false, 2), ("s-1", 1_005, false, 1), ("s-1", 999, false, 2), ("s-1", 1_011, false, 2),
        ("", 1_005, true, 1), ("", 1_011, true, 2), ("", 1_005, false, 2),
    ])
    func `a log record of the run's session or trace is in its sum if it is within the run`(
        session: String,
        second: Int,
        isOfTrace: Bool,
        calls: Int
    ) throws {
        var event = Record(["gen_ai.usage.input_tokens": 10, "session.id": .string(session)])
        (event.name, event.time) = ("gen_ai.client.inference.operation.details", UInt64(second) * 1_000_000_000)
        if isOfTrace { event.trace = Self.run.trace }
        #expect(try Self.counts(event, service: "app") == [calls, calls, calls])
    }

    @Test func `a sum that is not counted does not name the agent of its session`() throws {
        let sum = Record(
            span: 1,
            name: "query",
            ["openinference.span.kind": "AGENT", "llm.token_count.prompt": 30, "session.id": "s"]
        )
        let alone = try processed(spans([sum], resource: ["service.name": "wrapper"])).observations
        #expect(alone.map { $0.sessionUpdate?.agent } == ["wrapper"])
        let both = try processed(spans([sum, Self.call(2, under: 1)], resource: ["service.name": "wrapper"]))
        let sums = both.observations.filter { $0.source == .agentSpan }
        #expect(sums.map { $0.sessionUpdate?.agent } == [nil])
        #expect(sums.map { $0.sessionUpdate?.id } == ["s"])
    }

    @Test func `an agent that reports its calls itself needs no sum of them`() throws {
        let found = try spanObservation(
            ["gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 3],
            resource: ["service.name": "copilot-chat"]
        )
        #expect(found == nil)
    }

    @Test(arguments: ["LLM", "llm", "Llm", "EMBEDDING", "embedding"])
    func `OpenInference's kinds count in any case`(kind: String) throws {
        let found = try spanObservation(["openinference.span.kind": .string(kind), "llm.token_count.prompt": 3])
        #expect(found?.source == .otlpSpan)
    }

    @Test(arguments: ["execute_event_loop_cycle", "execute_task", "handoff", "chain"])
    func `steps of an agent are no calls`(operation: String) throws {
        #expect(
            try spanObservation(["gen_ai.operation.name": .string(operation), "gen_ai.usage.input_tokens": 3]) == nil
        )
    }

    // MARK: - A cost without tokens

    @Test func `a cost without tokens is a call with that cost`() throws {
        let found = try #require(
            try spanObservation([
                "lmnr.span.type": "LLM", "gen_ai.request.model": "gpt-5.1", "gen_ai.usage.cost": 0.0123,
                "gen_ai.usage.cache_read_input_tokens": 7,
            ])
        )
        #expect(found.reportedCost?.nanodollars == 12_300_000)
        #expect(found.counts == TokenCounts(cacheRead: 7))
    }

    @Test(
        arguments: [
            (["gen_ai.usage.cost": 0.5], "a span that does not say that it is a call"),
            (["gen_ai.operation.name": "invoke_agent", "gen_ai.usage.cost": 0.5], "the sum of an agent"),
            (["openinference.span.kind": "CHAIN", "llm.cost.total": 0.5], "a step"),
            (["gen_ai.operation.name": "chat", "gen_ai.usage.cost": 0], "no cost"),
            (["gen_ai.operation.name": "chat", "gen_ai.usage.cost": -1.0], "no cost that can be"),
            (["gen_ai.operation.name": "chat", "gen_ai.usage.cache_read_input_tokens": 5], "cached tokens alone"),
        ] as [(Attributes, String)]
    )
    func `in other records a cost without tokens is ignored`(attributes: Attributes, what: String) throws {
        #expect(try spanObservation(attributes) == nil, "\(what)")
    }

    @Test func `a cost below a call does not take its tokens away`() throws {
        let cost = Record(span: 2, parent: 1, ["gen_ai.operation.name": "chat", "gen_ai.usage.cost": 0.5])
        let found = try Self.counted([[Self.call(1, under: 0), cost]])
        #expect(found == [#"["otlp_span"] 0"#, #"["otlp_span"] 10"#])
    }
}
