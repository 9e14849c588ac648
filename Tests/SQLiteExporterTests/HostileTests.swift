// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import StoreFixtures
import Synchronization
import Testing
import Usage

/// Senders of absurd figures, times and names harm nobody else.
struct HostileTests {
    @Test func `sums stop at the largest number that can be held`() async throws {
        let bench = try await Bench()
        let pricing = Pricing(
            table: try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8)),
            preference: .reported
        )
        let absurd = (UInt64(1)...40).map { number in
            Observation(number, session: "s\(number % 3)", input: TokenCounts.limit, output: TokenCounts.limit).with {
                $0.reportedCost = Money(dollars: 1e9)
                $0.keys.request = number
            }
        }
        try await bench.consume([
            Batch(Array(absurd.prefix(20)), pricing: pricing), Batch(Array(absurd.suffix(20)), pricing: pricing),
        ])
        let summary = try await bench.store.summary(of: period("2026-11-22", "2026-11-22"), now: morning)
        #expect(summary.totals.cost == Money(nanodollars: .max))
        #expect(summary.totals.counts.uncachedInput == 40 * TokenCounts.limit)
        var query = SessionQuery(now: morning)
        for sort in SessionQuery.Sort.allCases {
            query.sort = sort
            #expect(try await bench.store.sessions(query).sessions.count == 3)
        }
        #expect(try await bench.store.session(id: "s1")?.session.totals.cost == Money(nanodollars: .max))
        // What is told later takes calls away again.
        try await bench.consume([Batch(absurd.map { $0.with { $0.time = morning + -1 } }, pricing: pricing)])
        #expect(try await bench.store.summary(of: period("2026-11-22", "2026-11-22"), now: morning).totals.calls == 40)
    }

    @Test func `a sum larger than a double can tell is exact`() async throws {
        let bench = try await Bench()
        let pricing = Pricing(
            table: try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8)),
            preference: .reported
        )
        let costs: [Int64] = [9_007_199_254_740_993, 4_503_599_627_370_497, 1]
        try await bench.consume([
            Batch(
                costs.enumerated().map { cost in
                    Observation(UInt64(cost.offset + 1), at: morning + Double(cost.offset) * 900).with {
                        $0.reportedCost = Money(nanodollars: cost.element)
                    }
                },
                pricing: pricing
            )
        ])
        let summary = try await bench.store.summary(of: period("2026-11-22", "2026-11-22"), now: morning)
        #expect(summary.totals.cost.nanodollars == costs.reduce(0, +))
    }

    @Test(arguments: [0, 1, 899_999_999_999, Int64.max - 1, Int64.max])
    func `any time can be kept`(nanoseconds: Int64) async throws {
        let bench = try await Bench()
        let time = Timestamp(nanoseconds: nanoseconds)
        let span = Observation(1, at: time, source: .otlpSpan).with {
            ($0.blockingKey, $0.trace.span, $0.duration) = (5, 11, .max)
            $0.trace.ancestors.insert(12)
        }
        let log = Observation(2, at: time).with { $0.blockingKey = 5 }
        try await bench.consume([Batch([span]), Batch([log]), Batch([span, log])])
        #expect(try await bench.store.sessions(SessionQuery(now: time)).sessions.map(\.totals.calls) == [1])
        #expect(try await bench.store.session(id: "s")?.calls.map(\.time) == [time])
        #expect(try await bench.store.compact(before: Timestamp(nanoseconds: 0)) == 0)
        try EquivalenceTests.checkSums(bench)
    }

    @Test(arguments: [
        "'; DROP TABLE calls; --", "\"", "%_\\", "\u{0}x", "名前 🙂", String(repeating: "x", count: 100_000), "",
    ])
    func `any name is kept as it is`(name: String) async throws {
        let bench = try await Bench()
        let strange = Observation(1, session: name, model: name).with {
            ($0.agent, $0.user, $0.project, $0.machine, $0.provider, $0.error) = (name, name, name, name, name, name)
            $0.terms.serviceTier = name
        }
        try await bench.consume([Batch([strange])])
        let detail = try #require(try await bench.store.session(id: name))
        #expect(detail.session.id == name && detail.session.agent == name && (detail.session.model ?? "") == name)
        #expect(detail.calls.map(\.error) == [name])
        var query = SessionQuery(now: morning)
        for dimension in [UsageDimension.agent, .project, .model] { query.filter[dimension] = [name] }
        #expect(try await bench.store.sessions(query).total == 1)
        #expect(
            try await bench.store.summary(of: period("2026-11-22", "2026-11-22"), now: morning).byModel[name]?.totals
                .calls == 1
        )
    }

    @Test func `a overfull of equals costs no more than its size and pairs nobody`() async throws {
        let bench = try await Bench()
        let overfull = (UInt64(1)...3_000).map { number in
            Observation(number, at: morning + Double(number % 20), source: number % 2 == 0 ? .otlpLog : .otlpSpan).with
            { $0.blockingKey = 5 }
        }
        try await bench.consume([Batch(overfull), Batch(Array(overfull.prefix(5)))])
        #expect(try bench.rows("SELECT count(*), sum(counted) FROM calls") == ["3000 3000"])
        try EquivalenceTests.checkSums(bench)
    }

    @Test(arguments: [1, 7, 100])
    func `a overfull is a overfull however it gathers`(step: Int) async throws {
        let half = UInt64(MatchBucket.capacity / 2)
        let pairs = (UInt64(1)...half).flatMap { number in
            [
                Observation(number * 2, at: morning + Double(number)).with { $0.blockingKey = 5 },
                Observation(number * 2 + 1, at: morning + Double(number), source: .otlpSpan).with {
                    $0.blockingKey = 5
                },
            ]
        }
        let bench = try await Bench()
        for start in stride(from: 0, to: pairs.count, by: step * 10) {
            try await bench.consume([Batch(Array(pairs[start..<min(pairs.count, start + step * 10)]))])
        }
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["\(half)"])
        try await bench.consume([Batch([Observation(1, at: morning + 200).with { $0.blockingKey = 5 }])])
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["\(half * 2 + 1)"])
        try EquivalenceTests.checkSums(bench)
    }

    @Test func `the same call every ten seconds does not tie a whole day together`() throws {
        var ledger = MemoryLedger()
        let loads = LoadCount()
        for number in UInt64(1)...250 {
            let time = morning + Double(number) * 10
            let pair = [
                Observation(number * 2, at: time), Observation(number * 2 + 1, at: time + 0.01, source: .otlpSpan),
            ]
            let change = try Ledger.absorb(
                pair.map { $0.with { $0.blockingKey = 5 } },
                into: CountingIndex(ledger: ledger, count: loads)
            )
            #expect(change.entries.count == 1)
            try ledger.absorb(pair.map { $0.with { $0.blockingKey = 5 } })
        }
        #expect(ledger.calls.count == 250)
        #expect(loads.largest < 300)
    }

    @Test(arguments: [(-0.5, 0.5, 1), (-0.001, 1.999, 1), (-1, 1.5, 1), (-14, 15, 1), (-16, 15, 2), (1, 20, 1)])
    func `at the border of two stretches what is alone there belongs together`(log: Double, span: Double, calls: Int)
        throws
    {
        let border = Timestamp(nanoseconds: (morning.nanoseconds / MatchBucket.width + 1) * MatchBucket.width)
        let pair = [Observation(1, at: border + log), Observation(2, at: border + span, source: .otlpSpan)].map {
            $0.with { $0.blockingKey = 5 }
        }
        for order in [pair, pair.reversed()] {
            var ledger = MemoryLedger()
            for update in order { try ledger.absorb([update]) }
            #expect(ledger.calls.count == calls)
        }
    }

    @Test func `a thousand spans under one id are told in no time`() async throws {
        let bench = try await Bench()
        let spans = (UInt64(1)...1_000).map { number in
            Observation(number, source: .otlpSpan).with {
                $0.trace.span = 11
                $0.trace.ancestors.insert(11)
                $0.keys.response = number
            }
        }
        try await bench.consume([Batch(spans)])
        #expect(try bench.rows("SELECT count(*), sum(counted) FROM calls") == ["1000 0"])
    }
}

/// How many stored observations a change looked at, at most.
private final class LoadCount: Sendable {
    private let state = Mutex((present: 0, largest: 0))

    var largest: Int { state.withLock { max($0.largest, $0.present) } }

    func begin() {
        state.withLock { ($0.largest, $0.present) = (max($0.largest, $0.present), 0) }
    }

    func add(_ count: Int) {
        state.withLock { $0.present += count }
    }
}

/// A ledger that counts what it is asked for in one change.
private struct CountingIndex: LedgerIndex {
    let ledger: MemoryLedger
    let count: LoadCount

    init(ledger: MemoryLedger, count: LoadCount) {
        (self.ledger, self.count) = (ledger, count)
        count.begin()
    }

    func mayHold(_ link: LedgerLink) -> Bool { ledger.mayHold(link) }
    func kinds(in cell: MatchBucket) -> UInt8 { ledger.kinds(in: cell) }

    func entries(linkedBy link: LedgerLink, limit: Int) -> [LedgerEntry] {
        let found = ledger.entries(linkedBy: link, limit: limit)
        count.add(found.count)
        return found
    }
}
