// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import Usage

/// Spans with usage that stand above others with usage are counted through those.
struct SpanTreeTests {
    /// What each span that counts has as input, after the spans came in these batches.
    private static func counted(_ batches: [[Record]]) throws -> [Int64] {
        var ledger = MemoryLedger()
        for records in batches { try ledger.absorb(processed(spans(records)).observations) }
        return ledger.calls.filter(\.isCounted).map(\.counts.uncachedInput).sorted()
    }

    private static func span(_ id: UInt64, under parent: UInt64 = 0, input: Int64) -> Record {
        Record(span: id, parent: parent, ["gen_ai.usage.input_tokens": .int(input)])
    }

    private static let top = span(1, input: 30)
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
        let generations = [Self.top, Self.span(2, under: 1, input: 20), Self.span(3, under: 2, input: 5)]
        #expect(try Self.counted([generations]) == [5])
        #expect(try Self.counted(generations.map { [$0] }) == [5])
        #expect(try Self.counted(generations.reversed().map { [$0] }) == [5])
    }

    @Test func `the same span id in another trace is another span`() throws {
        var stranger = Self.first
        stranger.trace = "00000000000000000000000000000008"
        #expect(try Self.counted([[Self.top], [stranger]]) == [10, 30])
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
