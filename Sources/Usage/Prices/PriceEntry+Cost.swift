// SPDX-License-Identifier: Apache-2.0

extension PriceEntry {
    /// The cost of a call by this row; nil when tokens were used for which the row has no rate.
    ///
    /// One set of rates holds for the whole request: the list price, or what the largest threshold that the prompt
    /// crosses and the service tier put in its place. Missing rates of cache buckets fall back to the input rate; zero
    /// is free. Then come the factors of fast mode and region. Everything is exact until the one rounding at the end.
    public func cost(of call: PricedCall) -> Cost? {
        var notes: Cost.Notes = []
        let counts = call.counts.believable
        if counts != call.counts { notes.insert(.countsCut) }
        let rates = rates(prompt: counts.prompt, at: call.time, serviceTier: call.terms.serviceTier, &notes)
        guard let tokens = rates.cost(of: counts, &notes) else { return nil }
        if counts.cacheWrite5m > 0, !call.knowsCacheLifetimes { notes.insert(.cacheLifetimeUnknown) }

        var cost = ExactCost(attodollars: tokens)
        cost.multiply(by: factor)
        if call.terms.isFast || isFastName {
            if let fastFactor { cost.multiply(by: fastFactor) } else { notes.insert(.fastFactorMissing) }
        }
        if let region = call.terms.geography, !regionFactors.isEmpty, let factor = regionFactors[region.lowercased()] {
            cost.multiply(by: factor)
        }
        var amount = cost.rounded
        let searches = min(max(call.terms.webSearches, 0), TokenCounts.limit)
        if searches > 0 {
            if let webSearch {
                amount += Self.product(webSearch, searches)
            } else {
                notes.insert(.webSearchPriceMissing)
            }
        }
        return Cost(amount: amount, rateKey: rateKey, notes: notes)
    }

    /// The one set of rates of a request.
    private func rates(prompt: Int64, at time: Timestamp, serviceTier name: String?, _ notes: inout Cost.Notes) -> Rates
    {
        var result = rates
        var threshold: Int64 = 0
        for tier in tiers where tier.serviceTier == .standard && tier.holds(prompt: prompt) {
            result.overlay(tier.rates)
            threshold = tier.threshold
        }
        let service = ServiceTier(name: name)
        if service == .standard {
            if let offPeak, offPeak.holds(at: time) { result.overlay(offPeak.rates) }
            return result
        }
        var isPublished = false
        // Rates of a service tier for small prompts say nothing about large ones, whose list price may be higher.
        for tier in tiers where tier.serviceTier == service && tier.threshold >= threshold && tier.holds(prompt: prompt)
        {
            result.overlay(tier.rates)
            isPublished = true
        }
        if !isPublished { notes.insert(.serviceTierRateMissing) }
        return result
    }

    private static func product(_ price: Money, _ count: Int64) -> Money {
        let (product, overflow) = price.nanodollars.multipliedReportingOverflow(by: count)
        return Money(nanodollars: overflow ? .max : product)
    }
}

/// A cost that is not rounded yet.
private struct ExactCost {
    private var amount: Int128
    /// How many units of the amount are 10⁻⁹ dollar.
    private var divisor: Int128 = 1_000_000_000
    private var isTooLarge = false

    init(attodollars: Int128) {
        amount = attodollars
    }

    mutating func multiply(by factor: PriceFactor) {
        guard factor != .one else { return }
        let (product, overflow) = amount.multipliedReportingOverflow(by: Int128(factor.thousandths))
        isTooLarge = isTooLarge || overflow
        amount = product
        divisor *= 1000
    }

    /// Nanodollars, rounded half to even; the largest amount when it is larger.
    var rounded: Money {
        guard !isTooLarge, let nanodollars = Int64(exactly: amount.dividedHalfToEven(by: divisor)) else {
            return Money(nanodollars: .max)
        }
        return Money(nanodollars: nanodollars)
    }
}

extension Rates {
    /// The cost in 10⁻¹⁸ dollar; nil when a bucket with tokens has no rate.
    fileprivate func cost(of counts: TokenCounts, _ notes: inout Cost.Notes) -> Int128? {
        if counts.cacheRead > 0, cacheRead == nil { notes.insert(.cacheReadRateMissing) }
        if counts.cacheWrite > 0, cacheWrite == nil, counts.cacheWrite5m > 0 || cacheWrite1h == nil {
            notes.insert(.cacheWriteRateMissing)
        }
        if counts.cacheWrite1h > 0, cacheWrite1h == nil { notes.insert(.cacheWrite1hRateMissing) }
        guard let uncached = Self.product(counts.uncachedInput, input),
            let read = Self.product(counts.cacheRead, cacheRead ?? input),
            let write = Self.product(counts.cacheWrite5m, cacheWrite ?? input),
            let write1h = Self.product(counts.cacheWrite1h, cacheWrite1h ?? cacheWrite ?? input),
            let answer = Self.product(counts.output - counts.reasoning, output),
            let thought = Self.product(counts.reasoning, reasoning ?? output)
        else { return nil }
        return uncached + read + write + write1h + answer + thought
    }

    /// A rate is at most 2^60 and a count at most 2^40, so that six products stay far below 2^127.
    private static func product(_ count: Int64, _ rate: Rate?) -> Int128? {
        guard count > 0 else { return 0 }
        return rate.map { Int128(count) * Int128($0.attodollarsPerToken) }
    }
}

extension TokenCounts {
    /// The counts, each between zero and the limit, and reasoning within the output.
    fileprivate var believable: TokenCounts {
        func cut(_ count: Int64) -> Int64 { min(max(count, 0), Self.limit) }
        let output = cut(output)
        return TokenCounts(
            uncachedInput: cut(uncachedInput),
            cacheRead: cut(cacheRead),
            cacheWrite5m: cut(cacheWrite5m),
            cacheWrite1h: cut(cacheWrite1h),
            output: output,
            reasoning: min(cut(reasoning), output)
        )
    }
}

extension PriceTable {
    /// The cost of a call; nil when its model is unpriced at that time.
    ///
    /// ``PriceEntry/cost(of:)`` has the rules.
    public func cost(of call: PricedCall) -> Cost? {
        entry(model: call.model, provider: call.provider, at: call.time)?.cost(of: call)
    }
}
