// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

/// The report on data quality.
struct DataQualityTests {
    private static func call(
        _ id: UInt64,
        reported: Int64?,
        computed: Int64?,
        knowsLifetimes: Bool = true,
        written: Int64 = 100
    ) -> Call {
        var call = Call(id: id, time: Timestamp(nanoseconds: Int64(id)), counts: TokenCounts(cacheWrite5m: written))
        (call.model, call.observationCount, call.sources) = ("m", 1, [.otlpLog])
        call.knowsCacheLifetimes = knowsLifetimes
        call.reportedCost = reported.map { Money(nanodollars: $0 * 1_000_000) }
        let cost = computed.map { Money(nanodollars: $0 * 1_000_000) }
        call.price = CallPrice(cost: cost ?? .zero, isPriced: cost != nil, computed: cost)
        return call
    }

    @Test func `every difference between reported and computed cost has its reason`() {
        var quality = DataQuality()
        let calls = [
            Self.call(1, reported: 10_000, computed: 10_005), Self.call(2, reported: 10_000, computed: 10_050),
            Self.call(3, reported: 10, computed: nil), Self.call(4, reported: 10, computed: 8, knowsLifetimes: false),
            Self.call(5, reported: 10, computed: 8, knowsLifetimes: false, written: 0),
            Self.call(6, reported: nil, computed: 8), Self.call(7, reported: 0, computed: 0),
        ]
        for call in calls { quality.add(call, agent: "a", machine: nil) }
        let reasons = quality.costs.mapValues(\.calls)
        #expect(
            reasons == [
                .init(model: "m", reason: .equal): 2, .init(model: "m", reason: .otherPrice): 2,
                .init(model: "m", reason: .noPrice): 1, .init(model: "m", reason: .cacheLifetimesUnknown): 1,
            ]
        )
        #expect(quality.unpriced == 1)
        let weak = quality.costs[.init(model: "m", reason: .cacheLifetimesUnknown)]
        #expect(weak?.reported == Money(nanodollars: 10_000_000))
        #expect(weak?.computed == Money(nanodollars: 8_000_000))
    }

    @Test func `sessions whose agent reports another cost are counted, and those that differ most are listed`() {
        var costs = DataQuality.SessionCosts()
        let dollar: Int64 = 1_000_000_000
        costs.add("equal", reported: Money(nanodollars: dollar), counted: Money(nanodollars: dollar))
        costs.add("nearly", reported: Money(nanodollars: 100 * dollar), counted: Money(nanodollars: 99 * dollar))
        for number in 1...30 {
            let counted = Money(nanodollars: Int64(number) * dollar)
            costs.add("s\(number)", reported: .zero, counted: counted)
        }
        costs.add("huge", reported: Money(nanodollars: .max), counted: Money(nanodollars: -1))
        #expect(costs.compared == 33 && costs.differing == 31)
        #expect(costs.largest.map(\.session) == ["huge"] + (12...30).reversed().map { "s\($0)" })
    }

    @Test func `a session that went on after its reported cost is not compared`() {
        var session = SessionUpdate(id: "s", time: Timestamp(nanoseconds: 0))
        session.reportedCost = LastWrite(Money(nanodollars: 5), at: Timestamp(nanoseconds: 10))
        session.extend(to: Timestamp(nanoseconds: 60_000_000_010))
        #expect(session.comparableCost == Money(nanodollars: 5))
        session.extend(to: Timestamp(nanoseconds: 60_000_000_011))
        #expect(session.comparableCost == nil)
    }

    @Test func `observations and their material are counted, roll-ups apart`() {
        var quality = DataQuality()
        var both = Self.call(5, reported: nil, computed: 1)
        (both.observationCount, both.sources, both.isWeaklyJoined) = (2, [.otlpLog, .transcript], true)
        var rollUp = Self.call(6, reported: nil, computed: 1)
        rollUp.isCounted = false
        for call in [Self.call(1, reported: nil, computed: 1), both, rollUp] {
            quality.add(call, agent: "a", machine: "b")
        }
        #expect(
            [quality.calls, quality.oneWitness, quality.severalWitnesses, quality.weaklyJoined, quality.rollUps] == [
                2, 1, 1, 1, 1,
            ]
        )
        #expect(
            quality.sources[.init(agent: "a", machine: "b", sources: [.otlpLog, .transcript])]
                == .init(calls: 1, lastSeen: Timestamp(nanoseconds: 5))
        )
        #expect(quality.sources.count == 2)
    }

    @Test func `calls that only agents' spans report are listed as sums of unknown calls`() {
        var quality = DataQuality()
        for (number, sources) in [[Observation.Source.agentSpan], [.otlpSpan], [.otlpSpan, .agentSpan]].enumerated() {
            var call = Self.call(UInt64(number), reported: nil, computed: 1)
            call.sources = sources
            quality.add(call, agent: "a", machine: nil)
        }
        #expect(quality.sumsOfUnknownCalls == 1)
        #expect(quality.calls == 3)
    }
}
