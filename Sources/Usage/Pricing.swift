// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How calls are priced: a table with the user's overrides, and whose figure counts when the sender reported one, too.
///
/// Safe to use from many tasks; what was looked up once is remembered.
public final class Pricing: Sendable {
    /// Whose figure counts.
    public let preference: Preference
    private let cache: Mutex<PriceCache>

    /// Whose figure counts when both are known.
    public enum Preference: String, Sendable, Codable, CaseIterable {
        /// What the price table says; the reported cost is kept beside it.
        case computed
        /// What the sender said.
        case reported
    }

    /// Creates a pricing.
    public init(table: PriceTable, preference: Preference = .computed) {
        self.preference = preference
        cache = Mutex(PriceCache(table: table))
    }

    /// The table.
    public var table: PriceTable { cache.withLock { $0.table } }

    /// What a call costs.
    ///
    /// A model that is not in the table is priced by what the sender reported, if `reported` is preferred; otherwise it stays
    /// unpriced and its cost is zero. A cost that was given with an event always holds, and so does one that came without tokens.
    public func price(_ call: Call) -> CallPrice {
        let computed = computedCost(of: call)
        if call.isCostGiven, let given = call.reportedCost {
            return CallPrice(cost: given, isPriced: true, computed: computed)
        }
        if call.hasCostAlone, let reported = call.reportedCost {
            return CallPrice(cost: reported, isPriced: true, computed: nil)
        }
        switch preference {
        case .computed:
            return CallPrice(cost: computed ?? .zero, isPriced: computed != nil, computed: computed)
        case .reported:
            let cost = call.reportedCost ?? computed
            return CallPrice(cost: cost ?? .zero, isPriced: cost != nil, computed: computed)
        }
    }

    private func computedCost(of call: Call) -> Money? {
        guard let model = call.model else { return nil }
        var priced = PricedCall(
            model: model,
            provider: call.provider,
            time: call.time,
            counts: call.counts,
            terms: call.terms
        )
        priced.knowsCacheLifetimes = call.knowsCacheLifetimes
        return cache.withLock { $0.cost(of: priced)?.amount }
    }
}
