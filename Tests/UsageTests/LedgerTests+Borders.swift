// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// Observations near the boundary of two match buckets.
extension LedgerTests {
    @Test(arguments: UInt64(1)...40)
    func `order, splits and repeats do not matter at a border of two cells either`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let observations = Self.borderCorpus(&random)
        let expected = Set(try Self.calls(observations))
        for _ in 0..<40 {
            let calls = try Self.calls(inPiecesOf: observations, &random)
            #expect(Set(calls) == expected)
        }
    }

    @Test(arguments: [(1_000.0, 1_025.0, 1), (994, 1_025, 2), (1_023, 1_025, 1), (1_030, 1_059, 1)])
    func `the observations of a call find one another across a border of two cells`(
        log: Double,
        span: Double,
        calls: Int
    )
        throws
    {
        let pair = [Self.observation(1, Self.log, at: log, weak: 5), Self.observation(2, Self.span, at: span, weak: 5)]
        for order in [pair, pair.reversed()] {
            var ledger = MemoryLedger()
            for observation in order { try ledger.absorb([observation]) }
            #expect(ledger.calls.count == calls)
        }
    }

    @Test func `at a bucket boundary, where an observation is in two buckets, only very near ones are joined`() throws {
        var ledger = MemoryLedger()
        let pair = [
            Self.observation(1, Self.log, at: 1_010, weak: 5), Self.observation(2, Self.span, at: 1_026, weak: 5),
        ]
        try ledger.absorb(pair)
        #expect(ledger.calls.count == 1)
        try ledger.absorb([Self.observation(3, Self.log, at: 1_100, weak: 5)])
        #expect(ledger.calls.count == 3)
        try ledger.absorb([
            Self.observation(4, Self.log, at: 1_023, weak: 5), Self.observation(5, Self.span, at: 1_024, weak: 5),
        ])
        #expect(ledger.calls.count == 4)
    }

    /// Observations around the boundaries of buckets, few or many of them equal, some repeated with an earlier time.
    private static func borderCorpus(_ random: inout SeededGenerator) -> [Observation] {
        var observations: [Observation] = []
        let spread = [8, 60, 400].randomElement(using: &random) ?? 8
        for call in UInt64(1)...12 {
            let border = Double(1_024 * Int.random(in: 1...2, using: &random))
            let time = border + Double(Int.random(in: -spread..<spread, using: &random))
            for emitter in [log, span, transcript] where Int.random(in: 0..<3, using: &random) > 0 {
                let delay = [1, 25, 110].randomElement(using: &random) ?? 1
                var observation = observation(
                    call * 10 + emitter,
                    emitter,
                    at: time + Double(Int.random(in: 0...delay, using: &random)),
                    request: Int.random(in: 0..<5, using: &random) == 0 ? 1_000 + call : 0,
                    weak: 500 + call % 5,
                    output: Int64(call % 2)
                )
                observation.weakWindow = Bool.random(using: &random) ? 30 : 120
                observations.append(observation)
                guard observation.keys.request != 0 || emitter == span else { continue }
                if emitter == span { observations[observations.count - 1].trace.span = 3_000 + call }
                var copy = observations[observations.count - 1]
                copy.time = Timestamp(
                    nanoseconds: copy.time.nanoseconds - Int64.random(in: 0..<60, using: &random) * 1_000_000_000
                )
                if Bool.random(using: &random) { observations.append(copy) }
            }
        }
        return observations
    }
}
