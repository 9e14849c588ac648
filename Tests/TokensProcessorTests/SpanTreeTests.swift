// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import Usage

/// Spans with usage above others with usage are counted through those.
struct SpanTreeTests {
    /// The input of each counted span, after these batches went through one processor.
    private static func counted(_ batches: [[Record]]) throws -> [Int64] {
        var ledger = MemoryLedger()
        for records in batches { try ledger.absorb(processed(spans(records)).observations) }
        return ledger.calls.filter(\.isCounted).map(\.counts.uncachedInput).sorted()
    }

    private static func span(_ id: UInt64, under parent: UInt64 = 0, name: String = "chat", input: Int64) -> Record {
        Record(span: id, parent: parent, name: name, ["gen_ai.usage.input_tokens": .int(input)])
    }

    private static let top = span(1, name: "chain", input: 30)
    private static let first = span(2, under: 1, input: 10)
    private static let second = span(3, under: 1, input: 20)

    @Test(arguments: [
        [[top, first, second]], [[first, second, top]], [[top], [first], [second]], [[first], [second], [top]],
        [[second], [top], [first]],
    ])
    func `a span above others with usage is counted through them, in any order`(batches: [[Record]]) throws {
        #expect(try Self.counted(batches) == [10, 20])
    }

    @Test(arguments: [false, true])
    func `a span between them without usage is passed over within a batch`(topComesLater: Bool) throws {
        let between = Record(span: 9, parent: 1, name: "step", ["step": "x"])
        let leaf = Self.span(2, under: 9, input: 10)
        #expect(
            try Self.counted(topComesLater ? [[between, leaf], [Self.top]] : [[Self.top, between, leaf]]) == [10]
        )
    }

    @Test func `three generations leave the youngest`() throws {
        let generations = [Self.top, Self.span(2, under: 1, name: "step", input: 20), Self.span(3, under: 2, input: 5)]
        #expect(try Self.counted([generations]) == [5])
        #expect(try Self.counted(generations.map { [$0] }) == [5])
        #expect(try Self.counted(generations.reversed().map { [$0] }) == [5])
    }

    @Test(arguments: [false, true])
    func `a call below a call of the same library and name counts, with figures of its own`(isReversed: Bool) throws {
        // Google ADK 1: call_llm > agent_run > call_llm, the inner one of the agent to which the outer one handed over.
        let calls = [
            Self.span(1, name: "call_llm", input: 13_112), Record(span: 2, parent: 1, name: "agent_run", ["x": 1]),
            Self.span(3, under: 2, name: "call_llm", input: 11_978),
        ]
        #expect(try Self.counted([isReversed ? calls.reversed() : calls]) == [11_978, 13_112])
        #expect(try Self.counted((isReversed ? calls.reversed() : calls).map { [$0] }) == [11_978, 13_112])
        let repeated = [Self.span(1, input: 10), Self.span(2, under: 1, input: 10)]
        #expect(try Self.counted([isReversed ? repeated.reversed() : repeated]) == [10], "a repetition is one call")
    }

    @Test func `the same span id in another trace is another span`() throws {
        var unknownType = Self.first
        unknownType.trace = "00000000000000000000000000000008"
        #expect(try Self.counted([[Self.top], [unknownType]]) == [10, 30])
    }

    @Test func `a span that names itself as its parent still counts`() throws {
        #expect(try Self.counted([[Self.span(4, under: 4, input: 7)]]) == [7])
    }

    @Test func `a loop of parents ends`() throws {
        let loop = [Record(span: 1, parent: 2, name: "a", ["x": 1]), Record(span: 2, parent: 1, name: "b", ["x": 1])]
        #expect(try Self.counted([loop + [Self.span(3, under: 1, input: 7)]]) == [7])
    }

    @Test func `a chain of a thousand spans is followed only so far`() throws {
        let chain = (UInt64(2)...1_000).map { Record(span: $0, parent: $0 - 1, name: "step", ["x": 1]) }
        #expect(try Self.counted([[Self.top] + chain + [Self.span(1_001, under: 1_000, input: 3)]]) == [3, 30])
    }
}

/// One call that two libraries report in two traces.
struct TwoTracesTests {
    private static let process: Attributes = ["service.name": "bot", "service.instance.id": "i-1"]

    /// A span of LangChain's callbacks, which has the session, or of the SDK below, which has the id of the answer.
    private static func span(_ id: UInt64, trace: String, from start: UInt64, to end: UInt64, _ more: Attributes)
        -> Record
    {
        var span = Record(span: id, name: "chat", more)
        (span.trace, span.start, span.time) = (trace, start, end)
        return span
    }

    private static func calls(_ batches: [OTLPBatch]) throws -> [Call] {
        var ledger = MemoryLedger()
        for batch in batches { try ledger.absorb(processed(batch).observations) }
        return ledger.calls.filter(\.isCounted)
    }

    private static let chain = span(
        1,
        trace: "000000000000000000000000000000aa",
        from: 1_000_000_000,
        to: 1_900_000_000,
        [
            "openinference.span.kind": "LLM", "llm.token_count.prompt": 16_443, "llm.token_count.completion": 451,
            "llm.token_count.prompt_details.cache_read": 13_224, "session.id": "chat-9",
        ]
    )
    private static let sdk = span(
        2,
        trace: "000000000000000000000000000000bb",
        from: 1_002_000_000,
        to: 1_897_000_000,
        [
            "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 16_443, "gen_ai.usage.output_tokens": 451,
            "gen_ai.usage.cache_read.input_tokens": 13_224, "gen_ai.response.id": "msg_01Xabcdefghijklmnopqrst",
        ]
    )

    @Test func `LangChain's span and that of the SDK below it are one call of the session that one of them knows`()
        throws
    {
        let batches = [
            try spans([Self.chain], resource: Self.process, scope: "openinference.instrumentation.langchain"),
            try spans([Self.sdk], resource: Self.process, scope: "com.anthropic.sdk"),
        ]
        for order in [batches, batches.reversed()] {
            let calls = try Self.calls(order)
            #expect(calls.map(\.session) == ["chat-9"])
            #expect(calls.map(\.observationCount) == [2])
        }
    }

    @Test func `spans of two processes are two calls, however alike`() throws {
        let calls = try Self.calls([
            spans([Self.chain], resource: Self.process, scope: "openinference.instrumentation.langchain"),
            spans(
                [Self.sdk],
                resource: ["service.name": "bot", "service.instance.id": "i-2"],
                scope: "com.anthropic.sdk"
            ),
        ])
        #expect(calls.count == 2)
    }
}
