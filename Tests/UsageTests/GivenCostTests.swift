// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

/// A cost in an event.
struct GivenCostTests {
    private static func observation(_ source: Observation.Source, cost: Int64?, id: UInt64) -> Observation {
        var observation = Observation(
            id: id,
            time: Timestamp(nanoseconds: 1_795_341_600_000_000_000),
            source: source,
            emitter: id,
            priority: source == .event ? 50 : 90
        )
        (observation.model, observation.counts.output) = ("m", 1_000_000)
        observation.keys.request = 7
        observation.reportedCost = cost.map(Money.init(nanodollars:))
        return observation
    }

    private static func call(_ observations: [Observation]) throws -> Call {
        var ledger = MemoryLedger()
        try ledger.absorb(observations)
        return try #require(ledger.calls.first)
    }

    private static func pricing(_ preference: Pricing.Preference) throws -> Pricing {
        let own = try PriceOverride(
            model: "m",
            input: "1",
            output: "2",
            cacheRead: nil,
            cacheWrite: nil,
            cacheWrite1h: nil
        )
        return Pricing(table: PriceTable.empty.overridden(by: [own]), preference: preference)
    }

    @Test(arguments: [Pricing.Preference.computed, .reported])
    func `it counts with any preference`(preference: Pricing.Preference) throws {
        let call = try Self.call([Self.observation(.event, cost: 5, id: 1)])
        let price = try Self.pricing(preference).price(call)
        #expect((price.cost.nanodollars, price.isPriced) == (5, true))
        #expect(price.computed?.nanodollars == 2_000_000_000)
    }

    @Test func `it counts next to a better observation, and only an event has one`() throws {
        let both = try Self.call([Self.observation(.otlpLog, cost: 9, id: 2), Self.observation(.event, cost: 5, id: 1)])
        #expect(try Self.pricing(.computed).price(both).cost.nanodollars == 5)
        let none = try Self.call([
            Self.observation(.otlpLog, cost: 9, id: 2), Self.observation(.event, cost: nil, id: 1),
        ])
        #expect(try Self.pricing(.computed).price(none).cost.nanodollars == 2_000_000_000)
        #expect(none.reportedCost?.nanodollars == 9)
    }

    @Test(arguments: [Pricing.Preference.computed, .reported])
    func `a cost without tokens holds, because no table can give it`(preference: Pricing.Preference) throws {
        var call = Call(id: 1, time: Timestamp(nanoseconds: 1), counts: TokenCounts(cacheRead: 3))
        (call.model, call.reportedCost, call.observationCount) = ("m", Money(nanodollars: 9), 1)
        let price = try Self.pricing(preference).price(call)
        #expect((price.cost.nanodollars, price.isPriced) == (9, true))
        // Such a cost is not evidence of the sender's prices.
        call.price = price
        var quality = DataQuality()
        quality.add(call, agent: nil, machine: nil)
        #expect(quality.costs.isEmpty && quality.unpriced == 0)
    }
}
