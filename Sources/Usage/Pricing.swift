// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How calls are priced: a table with the user's overrides, and whose figure counts when the sender reported one, too.
///
/// Safe to use from many tasks; what was looked up once is remembered.
public final class Pricing: Sendable {
    /// Whose figure counts.
    public let preference: Preference
    private let cache: Mutex<PriceCache>
    /// Prices that calls have already; nil for a pricing that has none.
    private let kept: KeptPrices?

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
        kept = nil
    }

    /// Creates a pricing that leaves calls the prices that they have, and prices others by a table.
    public init(keeping kept: KeptPrices, otherwise table: PriceTable, preference: Preference = .computed) {
        self.preference = preference
        cache = Mutex(PriceCache(table: table))
        self.kept = kept
    }

    /// The table.
    public var table: PriceTable { cache.withLock { $0.table } }

    /// What a call costs.
    ///
    /// A model that is not in the table is priced by what the sender reported, if `reported` is preferred; otherwise it stays
    /// unpriced and its cost is zero. A cost that was given with an event always holds, and so does one that came without tokens.
    public func price(_ call: Call) -> CallPrice {
        if let kept = kept?[call] { return kept }
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

    /// A number that says how calls of a model are priced: pricings with the same number for it price each of its calls alike.
    ///
    /// It is the same in every process, so that a store can keep it and leave out what a new price table does not change. It is made of
    /// the model's rows and of what these cost some made-up calls, so that it is another one when the rules change. Never zero.
    public func fingerprint(ofModel model: String?, provider: String?) -> UInt64 {
        var hash = StableHash(domain: "pricing")
        hash.combine(preference.rawValue)
        // What is kept may be of any table, so no table prices the model's calls alike.
        if kept != nil { hash.combine("kept") }
        let history = model.flatMap { model in cache.withLock { $0.history(model: model, provider: provider) } }
        for entry in history?.entries ?? [] {
            hash.combine(PriceLine.text(entry))
            hash.combine(entry.isFastName ? 1 : UInt64(0))
            hash.combine(entry.factor.thousandths)
            for date in [entry.validFrom, entry.validUntil] { hash.combine(date?.nanoseconds ?? -1) }
            for probe in Self.probes(at: entry.validFrom ?? Timestamp(nanoseconds: 0)) {
                hash.combine(entry.cost(of: probe)?.amount.nanodollars ?? -1)
            }
        }
        return hash.value
    }

    /// Made-up calls of every sort that is priced in its own way.
    private static func probes(at time: Timestamp) -> [PricedCall] {
        let small = TokenCounts(
            uncachedInput: 10_007,
            cacheRead: 1_009,
            cacheWrite5m: 2_003,
            cacheWrite1h: 3_001,
            output: 5_003,
            reasoning: 101
        )
        var large = small
        large.uncachedInput = 1_000_003
        var terms = [BillingTerms()]
        for change: (inout BillingTerms) -> Void in [
            { $0.isFast = true }, { $0.geography = "us" }, { $0.webSearches = 7 },
        ] {
            var changed = BillingTerms()
            change(&changed)
            terms.append(changed)
        }
        for tier in ServiceTier.allCases {
            var changed = BillingTerms()
            changed.serviceTier = tier.rawValue
            terms.append(changed)
        }
        return [small, large].flatMap { counts in
            terms.map { PricedCall(model: "", time: time, counts: counts, terms: $0) }
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
        return cache.withLock { $0.history(of: call.origin)?.entry(at: call.time)?.cost(of: priced)?.amount }
    }
}
