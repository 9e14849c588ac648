// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// Which ids decide, and what a blocking key may join.
struct CallGroupingTests {
    private static let transcript = UInt64(3)
    private static let rollout = UInt64(4)

    private static func line(
        _ id: UInt64,
        at seconds: Double = 100,
        request: UInt64 = 0,
        response: UInt64 = 0,
        lineage: UInt64 = 0,
        input: Int64 = 10,
        isSideChain: Bool = false
    ) -> Observation {
        var line = LedgerTests.observation(
            id,
            transcript,
            at: seconds,
            request: request,
            response: response,
            input: input
        )
        line.keys.lineage = lineage
        line.isSideChain = isSideChain
        return line
    }

    /// The number of calls, in any order of arrival; nil when the order matters.
    private static func count(_ observations: [Observation]) throws -> Int? {
        var random = SeededGenerator(seed: 1)
        let expected = Set(try LedgerTests.calls(observations))
        for _ in 0..<20 {
            guard Set(try LedgerTests.calls(inPiecesOf: observations, &random)) == expected else { return nil }
        }
        return expected.count
    }

    @Test func `a message id under several request ids is several calls`() throws {
        // Under load the API gave six responses one message id: anthropics/claude-code#64880.
        #expect(try Self.count((1...6).map { Self.line($0, request: $0 + 10, response: 9) }) == 6)
    }

    @Test func `a library that reports no caches adds nothing to the prompt of one that does`() throws {
        // OpenInference has the whole prompt as input, OpenTelemetry's own instrumentation divides it.
        let whole = TokenCounts(uncachedInput: 900, output: 20)
        let divided = TokenCounts(uncachedInput: 400, cacheRead: 500, output: 20, reasoning: 5)
        let further = TokenCounts(uncachedInput: 400, cacheRead: 400, cacheWrite5m: 100, output: 21)
        for counts in [[whole, divided], [divided, whole], [whole, whole, divided]] {
            let lines = counts.enumerated().map { index, counts in
                var line = Self.line(UInt64(index + 1), request: 7)
                line.counts = counts
                return line
            }
            #expect(try LedgerTests.calls(lines).map(\.counts) == [divided])
        }
        #expect(
            divided.maximum(further)
                == TokenCounts(uncachedInput: 400, cacheRead: 400, cacheWrite5m: 100, output: 21, reasoning: 5)
        )
        #expect(TokenCounts(uncachedInput: 100).maximum(TokenCounts(uncachedInput: 3, cacheRead: 200)).prompt == 203)
    }

    @Test func `the larger of accounts is the same in whatever order and however often they come`() {
        var random = SeededGenerator(seed: 13)
        func counts() -> TokenCounts {
            func number() -> Int64 { Int64.random(in: 0...3, using: &random) * 100 }
            return TokenCounts(
                uncachedInput: number(),
                cacheRead: number(),
                cacheWrite5m: number(),
                cacheWrite1h: number(),
                output: number() + 300,
                reasoning: number()
            )
        }
        for _ in 0..<2_000 {
            let (a, b, c) = (counts(), counts(), counts())
            #expect(a.maximum(b) == b.maximum(a))
            #expect(a.maximum(b).maximum(c) == a.maximum(b.maximum(c)))
            #expect(a.maximum(a) == a && a.maximum(b).maximum(b) == a.maximum(b))
            #expect(a.maximum(b).prompt == max(a.prompt, b.prompt))
        }
    }

    @Test func `answers of one constant id are told apart by their prompts`() throws {
        // ccusage/ccusage#1635. What version 0.1.0 stored has no answer and joins the nearest.
        var lines = (1...300).map { Self.line($0, at: Double($0), response: 9, input: Int64($0)) }
        let stored = lines[6]
        for position in lines.indices { lines[position].keys.answer = 1_000 + UInt64(position) }
        #expect(try LedgerTests.calls(lines).count == 300)
        var former = stored
        former.id = 9_999
        let calls = try LedgerTests.calls(lines.prefix(40) + [former])
        #expect(calls.count == 40)
        #expect(calls.first { $0.observationCount == 2 }?.counts.uncachedInput == 7)
    }

    @Test func `a report without a request id joins the nearest of the calls with its message id`() throws {
        let calls = [
            Self.line(1, at: 100, request: 11, response: 9, input: 10),
            Self.line(2, at: 200, request: 12, response: 9, input: 20),
        ]
        var span = LedgerTests.observation(3, LedgerTests.span, at: 100, response: 9, input: 20)
        #expect(try Self.count(calls + [span]) == 2)
        let sources = try LedgerTests.calls(calls + [span]).map(\.sources.count)
        #expect(sources == [1, 2], "equal figures say more than a near time")
        span.counts.uncachedInput = 30
        #expect(try LedgerTests.calls(calls + [span]).map(\.sources.count) == [2, 1])
    }

    @Test func `a side chain's copy joins its original under any request id`() throws {
        let original = Self.line(1, request: 11, response: 9)
        let copies = (2...4).map { Self.line($0, request: $0 + 10, response: 9, isSideChain: true) }
        #expect(try Self.count([original] + copies) == 1)
        #expect(try LedgerTests.calls(copies + [original]).first?.id == 11, "the copy's request names no call")
    }

    @Test func `copies whose original is gone are one call as long as their prompts are equal`() throws {
        let copies = (2...4).map { Self.line($0, request: $0 + 10, response: 9, isSideChain: true) }
        #expect(try Self.count(copies) == 1)
        let own = Self.line(7, at: 300, request: 17, response: 9, input: 99, isSideChain: true)
        #expect(try Self.count(copies + [own]) == 2)
    }

    @Test func `a sub-agent's call with its parent's message id is a call unless it repeats time or figures`() throws {
        let main = Self.line(1, at: 100, request: 11, response: 9, input: 10)
        func side(_ id: UInt64, at seconds: Double, input: Int64, output: Int64) -> Observation {
            var side = Self.line(id, at: seconds, request: id + 10, response: 9, input: input, isSideChain: true)
            side.counts.output = output
            return side
        }
        #expect(try Self.count([main, side(2, at: 200, input: 20, output: 5)]) == 2, "another prompt")
        #expect(try Self.count([main, side(2, at: 200, input: 10, output: 6)]) == 2, "another answer")
        #expect(try Self.count([main, side(2, at: 200, input: 10, output: 5)]) == 1, "all figures")
        #expect(try Self.count([main, side(2, at: 100, input: 20, output: 6)]) == 1, "the time")
        var bare = main
        bare.keys.request = 0
        #expect(
            try Self.count([bare, side(2, at: 200, input: 20, output: 5)]) == 2,
            "an original without a request id"
        )
    }

    @Test func `a side chain's request that another source reports is a call of its own`() throws {
        let original = Self.line(1, request: 11, response: 9)
        let own = Self.line(2, at: 200, request: 12, response: 9, input: 50, isSideChain: true)
        let log = LedgerTests.observation(3, LedgerTests.log, at: 200, request: 12, input: 50)
        #expect(try Self.count([original, own, log]) == 2)
    }

    @Test func `sub-agents with equal totals and different response ids are different calls`() throws {
        // junhoyeo/tokscale#679: thirty sub-agents of one tree with equal first responses.
        let calls = (1...31).map { Self.line($0, response: $0 + 10, lineage: 5) }
        #expect(try Self.count(calls) == 31)
    }

    @Test func `a total without a response id joins one of the records with its lineage`() throws {
        let records = [
            Self.line(1, at: 100, response: 11, lineage: 5), Self.line(2, at: 200, response: 12, lineage: 5, input: 20),
        ]
        #expect(try Self.count(records + [Self.line(3, at: 201, lineage: 5, input: 20)]) == 2)
    }

    @Test func `a constraint holds for sets: a shared weak key does not join what others keep apart`() throws {
        // The log has the request id, the span the response id; the line in between joins them, and keeps out the other request's.
        let one = [
            LedgerTests.observation(1, LedgerTests.log, request: 11),
            LedgerTests.observation(2, LedgerTests.span, request: 11, response: 9),
        ]
        let other = [
            LedgerTests.observation(3, LedgerTests.log, at: 101, request: 12), Self.line(4, request: 12, response: 9),
        ]
        #expect(try Self.count(one + other) == 2)
    }

    @Test func `a report without a stronger id is not joined to one of too many equal calls`() throws {
        let bare = LedgerTests.observation(9_999, LedgerTests.span, at: 100, response: 9)
        let calls = (1...256).map { Self.line($0, at: Double($0), request: $0 + 1_000, response: 9) }
        #expect(try LedgerTests.calls(calls + [bare]).count == 256)
        let more = calls + [Self.line(500, request: 9_000, response: 9)]
        var ledger = MemoryLedger()
        for observation in [bare] + more { try ledger.absorb([observation]) }
        #expect(ledger.calls.count == 258)
        #expect(try LedgerTests.calls(more + [bare]).count == 258)
    }

    // MARK: - Two libraries, two traces

    private static func span(
        _ id: UInt64,
        _ scope: UInt64,
        from start: Double,
        to end: Double,
        response: UInt64 = 0,
        key: UInt64 = 77
    ) -> Observation {
        var span = LedgerTests.observation(id, scope, at: end, response: response)
        span.duration = Int64((end - start) * 1e9)
        span.intervalKey = key
        span.trace.span = id + 5_000
        return span
    }

    @Test func `two libraries of one process report one call in two traces`() throws {
        let outer = Self.span(1, 20, from: 100, to: 103)
        #expect(try Self.count([outer, Self.span(2, 21, from: 100.001, to: 102.9, response: 9)]) == 1)
        #expect(
            try Self.count([outer, Self.span(2, 21, from: 99.997, to: 103.004, response: 9)]) == 1,
            "5 ms of slack"
        )
        #expect(try Self.count([outer, Self.span(2, 21, from: 101, to: 104, response: 9)]) == 2, "they only overlap")
        #expect(
            try Self.count([outer, Self.span(2, 21, from: 101, to: 102, response: 9, key: 78)]) == 2,
            "other figures"
        )
        #expect(
            try Self.count([outer, Self.span(2, 20, from: 101, to: 102)]) == 2,
            "one library reports each call once"
        )
        var pointInTime = Self.span(2, 21, from: 101, to: 102, response: 9)
        pointInTime.duration = nil
        #expect(try Self.count([outer, pointInTime]) == 2, "it needs start and end of both")
    }

    @Test func `equal calls at the same time stay as many as each library reports`() throws {
        let calls = (0..<4).flatMap { number -> [Observation] in
            let start = 100 + Double(number) * 0.01
            return [
                Self.span(UInt64(1 + number), 20, from: start, to: start + 3),
                Self.span(
                    UInt64(11 + number),
                    21,
                    from: start + 0.001,
                    to: start + 2.999,
                    response: UInt64(40 + number)
                ),
            ]
        }
        #expect(try Self.count(calls) == 4)
        #expect(try LedgerTests.calls(calls).allSatisfy { $0.observationCount == 2 })
    }

    @Test func `parallel calls whose starts are staggered by less than the slack stay as many`() throws {
        let calls = (0..<7).flatMap { number -> [Observation] in
            let start = 100 + 0.002 * Double(number)
            return [
                Self.span(UInt64(1 + number), 20, from: start, to: start + 1),
                Self.span(UInt64(11 + number), 21, from: start + 0.003, to: start + 0.998),
            ]
        }
        #expect(try Self.count(calls) == 7)
    }

    /// What each library reports of some equal calls that run in parallel, the intervals of one call inside one another.
    private static func parallelCalls(_ number: Int, libraries: Int, _ random: inout SeededGenerator) -> [Observation] {
        var start = 100.0
        return (0..<number).flatMap { call -> [Observation] in
            start += Double.random(in: 0.002...0.01, using: &random)
            var (from, to) = (start, start + 1 + Double.random(in: 0...0.02, using: &random))
            return (0..<libraries).map { library in
                from += Double.random(in: 0...0.004, using: &random)
                to -= Double.random(in: 0...0.004, using: &random)
                let id = UInt64.random(in: 1...(1 << 50), using: &random)
                return Self.span(id, 20 + UInt64(library), from: from, to: to, response: library == 1 ? id : 0)
            }
        }
    }

    @Test(arguments: UInt64(1)...10)
    func `two libraries report any parallel equal calls as many times as they were made`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            let number = Int.random(in: 1...8, using: &random)
            let observations = Self.parallelCalls(number, libraries: 2, &random)
            let calls = try LedgerTests.calls(observations.shuffled(using: &random))
            #expect(calls.count == number)
            let repeated = (observations + observations.prefix(3)).shuffled(using: &random)
            let inPieces = Set(try LedgerTests.calls(inPiecesOf: repeated, &random))
            #expect(inPieces == Set(calls))
        }
    }

    @Test func `a library that reports some of the parallel calls takes none from the others`() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let number = Int.random(in: 2...8, using: &random)
            let observations = Self.parallelCalls(number, libraries: 2, &random).enumerated()
            let some = observations.filter { place, _ in place.isMultiple(of: 2) || place % 3 == 0 }.map(\.element)
            let calls = try LedgerTests.calls(some.shuffled(using: &random))
            #expect(calls.count == number)
            let inPieces = Set(try LedgerTests.calls(inPiecesOf: some, &random))
            #expect(inPieces == Set(calls))
        }
    }

    // MARK: - Roll-ups

    @Test func `a span below one of its own kind is a call beside it unless it has the same figures`() throws {
        var outer = LedgerTests.observation(1, LedgerTests.span, input: 300)
        (outer.trace.span, outer.trace.kind) = (11, 5)
        var inner = LedgerTests.observation(2, LedgerTests.span, input: 200)
        (inner.trace.span, inner.trace.kind) = (12, 5)
        inner.trace.ancestors.insert(11)
        #expect(try Self.count([outer, inner]) == 2)
        inner.counts = outer.counts
        #expect(try Self.count([outer, inner]) == 1)
        (inner.counts.uncachedInput, inner.trace.kind) = (200, 6)
        #expect(try Self.count([outer, inner]) == 1, "a wrapper of another kind sums up")
    }
}
