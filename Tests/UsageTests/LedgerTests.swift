// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// How observations become calls.
struct LedgerTests {
    static let log = UInt64(1)
    static let span = UInt64(2)
    static let transcript = UInt64(3)

    static func observation(
        _ id: UInt64,
        _ emitter: UInt64,
        at seconds: Double = 100,
        request: UInt64 = 0,
        response: UInt64 = 0,
        weak: UInt64 = 0,
        input: Int64 = 10,
        output: Int64 = 5,
        priority: UInt8 = 50
    ) -> Observation {
        let source: Observation.Source = emitter == log ? .otlpLog : emitter == transcript ? .transcript : .otlpSpan
        let time = Timestamp(nanoseconds: Int64(seconds * 1e9))
        var observation = Observation(id: id, time: time, source: source, emitter: emitter, priority: priority)
        observation.keys.request = request
        observation.keys.response = response
        observation.blockingKey = weak
        observation.weakWindow = 30
        observation.counts = TokenCounts(uncachedInput: input, output: output)
        return observation
    }

    static func calls(_ observations: [Observation]) throws -> [Call] {
        var ledger = MemoryLedger()
        try ledger.absorb(observations)
        return ledger.calls.filter(\.isCounted).sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    @Test func `a log event and a span with one request id are one call`() throws {
        let calls = try Self.calls([
            Self.observation(1, Self.log, request: 7), Self.observation(2, Self.span, request: 7),
        ])
        #expect(calls.count == 1)
        #expect(calls.first?.sources == [.otlpLog, .otlpSpan])
    }

    @Test func `an observation with two ids ties together those that know one each`() throws {
        let ends = [Self.observation(1, Self.log, request: 7), Self.observation(2, Self.transcript, response: 9)]
        #expect(try Self.calls(ends).count == 2)
        #expect(try Self.calls(ends + [Self.observation(3, Self.span, request: 7, response: 9)]).count == 1)
    }

    @Test func `the same observation again changes nothing`() throws {
        var ledger = MemoryLedger()
        try ledger.absorb([Self.observation(1, Self.log, request: 7)])
        #expect(try ledger.absorb([Self.observation(1, Self.log, request: 7)]).isEmpty)
    }

    @Test func `a call is new once, whatever reports it later`() throws {
        var ledger = MemoryLedger()
        let two = [Self.observation(1, Self.log, request: 7), Self.observation(2, Self.transcript, response: 9)]
        #expect(try ledger.absorb(two).newCallCount() == 2)
        #expect(try ledger.absorb(two).newCallCount() == 0)
        let tie = Self.observation(3, Self.span, request: 7, response: 9)
        let mixed = try ledger.absorb([tie, Self.observation(4, Self.log, request: 8)])
        #expect(mixed.newCallCount() == 1)
        #expect(mixed.newCallCount(of: [tie]) == 0)
        #expect(ledger.calls.count == 2)
    }

    @Test func `a later copy with larger counts corrects the call`() throws {
        var ledger = MemoryLedger()
        try ledger.absorb([Self.observation(1, Self.transcript, request: 7, output: 3)])
        let change = try ledger.absorb([Self.observation(1, Self.transcript, request: 7, output: 300)])
        #expect(change.retired.count == 1)
        #expect(ledger.calls.map(\.counts.output) == [300])
    }

    @Test func `observations without ids are paired by resemblance, each once`() throws {
        let calls = try Self.calls([
            Self.observation(1, Self.log, at: 100, weak: 5), Self.observation(2, Self.span, at: 101, weak: 5),
            Self.observation(3, Self.log, at: 110, weak: 5), Self.observation(4, Self.span, at: 109, weak: 5),
        ])
        #expect(calls.count == 2)
        #expect(calls.allSatisfy { $0.sources.count == 2 })
    }

    @Test func `observations too far apart in time are not joined`() throws {
        #expect(
            try Self.calls([
                Self.observation(1, Self.log, at: 100, weak: 5), Self.observation(2, Self.span, at: 131, weak: 5),
            ]).count == 2
        )
    }

    @Test func `two different request ids are never one call, however alike`() throws {
        let alike = [
            Self.observation(1, Self.log, request: 7, weak: 5), Self.observation(2, Self.span, request: 8, weak: 5),
        ]
        #expect(try Self.calls(alike).count == 2)
    }

    @Test func `a call knows how many sources report it and whether only resemblance joins them`() throws {
        let byKey = [Self.observation(1, Self.log, request: 7), Self.observation(2, Self.span, request: 7)]
        let byLook = [
            Self.observation(3, Self.log, at: 500, weak: 5), Self.observation(4, Self.span, at: 501, weak: 5),
        ]
        let calls = try Self.calls(byKey + byLook + [Self.observation(5, Self.log, at: 900, request: 9)])
        #expect(calls.map(\.observationCount) == [2, 2, 1])
        #expect(calls.map(\.isWeaklyJoined) == [false, true, false])
    }

    @Test func `numbers come from the best observation and the lifetimes of cache writes from who knows them`() throws {
        var log = Self.observation(1, Self.log, request: 7, priority: 90)
        log.counts = TokenCounts(uncachedInput: 3, cacheWrite5m: 100, output: 50)
        var transcript = Self.observation(2, Self.transcript, request: 7, output: 2, priority: 70)
        transcript.counts = TokenCounts(uncachedInput: 3, cacheWrite5m: 40, cacheWrite1h: 60, output: 2, reasoning: 1)
        transcript.knowsCacheLifetimes = true
        let call = try #require(try Self.calls([log, transcript]).first)
        #expect(
            call.counts == TokenCounts(uncachedInput: 3, cacheWrite5m: 40, cacheWrite1h: 60, output: 50, reasoning: 1)
        )
        #expect(call.knowsCacheLifetimes)
    }

    @Test(arguments: [true, false])
    func `a span above another with usage is a roll-up, whichever comes first`(parentFirst: Bool) throws {
        var parent = Self.observation(1, Self.span, input: 30)
        parent.trace.span = 11
        var child = Self.observation(2, Self.span, input: 10)
        child.trace.span = 12
        child.trace.ancestors.insert(11)
        var ledger = MemoryLedger()
        for observation in parentFirst ? [parent, child] : [child, parent] { try ledger.absorb([observation]) }
        #expect(ledger.calls.filter(\.isCounted).map(\.counts.uncachedInput) == [10])
    }

    @Test func `any order, any split and any repeats give the same calls`() throws {
        var random = SeededGenerator(seed: 42)
        let observations = Self.corpus(&random)
        let expected = Set(try Self.calls(observations))
        #expect(expected.count > 10)
        for _ in 0..<200 {
            let calls = try Self.calls(inPiecesOf: observations, &random)
            #expect(Set(calls) == expected)
        }
    }

    /// The result of a ledger for observations in any order, some twice, a few at a time.
    static func calls(inPiecesOf observations: [Observation], _ random: inout SeededGenerator) throws -> [Call] {
        var shuffled = observations + observations.filter { _ in Bool.random(using: &random) }
        shuffled.shuffle(using: &random)
        var ledger = MemoryLedger()
        while !shuffled.isEmpty {
            let count = Int.random(in: 1...min(7, shuffled.count), using: &random)
            try ledger.absorb(Array(shuffled.prefix(count)))
            shuffled.removeFirst(count)
        }
        return ledger.calls.filter(\.isCounted)
    }

    /// Calls with one to three observations with and without ids, many of them similar, some under a roll-up.
    private static func corpus(_ random: inout SeededGenerator) -> [Observation] {
        var observations: [Observation] = []
        for call in UInt64(1)...30 {
            let time = 100 + Double(Int.random(in: 0..<120, using: &random))
            let hasID = Bool.random(using: &random)
            for emitter in [log, span, transcript] where Int.random(in: 0..<3, using: &random) > 0 {
                var observation = observation(
                    call * 10 + emitter,
                    emitter,
                    at: time + Double(Int.random(in: 0..<3, using: &random)),
                    request: hasID && Int.random(in: 0..<4, using: &random) > 0 ? 1_000 + call : 0,
                    response: hasID && emitter != log ? 2_000 + call : 0,
                    weak: 500 + call % 4,
                    input: Int64(call % 4),
                    priority: UInt8(90 - emitter * 10)
                )
                if emitter == span {
                    observation.trace.span = 3_000 + call
                    if call % 5 == 0 { observation.trace.ancestors.insert(3_000 + call - 1) }
                }
                observations.append(observation)
            }
        }
        return observations
    }
}
