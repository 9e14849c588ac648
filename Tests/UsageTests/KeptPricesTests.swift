// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

/// Prices that go along with calls.
struct KeptPricesTests {
    private static func call(_ id: UInt64, output: Int64 = 1) -> Call {
        Call(id: id, time: Timestamp(nanoseconds: 5), counts: TokenCounts(uncachedInput: 1, output: output))
    }

    private static let price = CallPrice(cost: Money(nanodollars: 123), isPriced: true, computed: nil)

    @Test func `a call keeps its price as long as it is the same call`() {
        var kept = KeptPrices()
        kept.add(Self.call(1), Self.price)
        let pricing = Pricing(keeping: kept, otherwise: .empty)
        #expect(pricing.price(Self.call(1)) == Self.price)
        var priced = Self.call(1)
        priced.price = CallPrice(cost: .zero, isPriced: false, computed: nil)
        #expect(pricing.price(priced) == Self.price)
        #expect(!pricing.price(Self.call(1, output: 2)).isPriced)
        #expect(!pricing.price(Self.call(2)).isPriced)
    }

    @Test func `calls that were added first are forgotten`() {
        var kept = KeptPrices()
        for id in UInt64(1)...70_000 { kept.add(Self.call(id), Self.price) }
        let pricing = Pricing(keeping: kept, otherwise: .empty)
        #expect(!pricing.price(Self.call(1)).isPriced)
        #expect(pricing.price(Self.call(70_000)) == Self.price)
        #expect(pricing.price(Self.call(10_000)) == Self.price)
    }

    /// So that a store prices the calls of a copy again when it is told to.
    @Test func `no price table prices alike`() {
        let kept = Pricing(keeping: KeptPrices(), otherwise: .empty)
        let table = Pricing(table: .empty)
        #expect(kept.fingerprint(ofModel: "m", provider: nil) != table.fingerprint(ofModel: "m", provider: nil))
        #expect(kept.fingerprint(ofModel: "m", provider: nil) != 0)
    }
}
