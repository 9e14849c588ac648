// SPDX-License-Identifier: Apache-2.0

/// What calls cost, and what they would cost at the list prices of another model.
///
/// The tokens stay as they are: another model would write other answers and count its tokens in another way, so this is a measure of the
/// prices and no forecast.
public struct ModelComparison: Sendable {
    /// The model whose prices are taken.
    public let model: String
    /// The sums over the calls that can be compared.
    public private(set) var total = Share()
    /// The same by the model that was called; calls without a model are under the empty name.
    public private(set) var byModel: [String: Share] = [:]
    /// Calls without a price or without tokens, which are in no other figure.
    public private(set) var leftOutCalls: Int64 = 0

    private let history: PriceHistory
    private let now: Timestamp

    /// What some calls cost, and would cost.
    public struct Share: Sendable, Hashable {
        /// How many.
        public var calls: Int64 = 0
        /// What they cost.
        public var cost = Money.zero
        /// What they would cost.
        public var comparedCost = Money.zero

        /// Of no calls.
        public init() {}

        /// Adds other sums.
        public static func += (left: inout Share, right: Share) {
            left.calls = left.calls.saturatingAdding(right.calls)
            left.cost += right.cost
            left.comparedCost += right.comparedCost
        }
    }

    /// Compares with a model; nil when it has no price.
    ///
    /// - Parameter now: Whose prices are taken for calls that are older than the model.
    public init?(with model: String, in table: PriceTable, now: Timestamp) {
        guard let history = table.history(model: model, provider: nil),
            history.entry(at: now) ?? history.entries.first != nil
        else { return nil }
        (self.model, self.history, self.now) = (model, history, now)
    }

    /// Takes in a call with its price.
    public mutating func add(_ call: Call) {
        var priced = PricedCall(model: model, time: call.time, counts: call.counts)
        priced.knowsCacheLifetimes = call.knowsCacheLifetimes
        let entry = history.entry(at: call.time) ?? history.entry(at: now) ?? history.entries.first
        guard let price = call.price, price.isPriced, call.counts.total > 0, let cost = entry?.cost(of: priced) else {
            leftOutCalls = leftOutCalls.saturatingAdding(1)
            return
        }
        var share = Share()
        (share.calls, share.cost, share.comparedCost) = (1, price.cost, cost.amount)
        total += share
        byModel[call.model ?? "", default: Share()] += share
    }
}

extension PriceTable {
    /// What tokens read from a cache would have cost more as uncached input, at the list prices of that time.
    ///
    /// Nothing for a model without a price, and for one without a price of its own for such reads.
    public func savings(ofCacheReads tokens: Int64, model: String, at time: Timestamp) -> Money {
        guard tokens > 0, let entry = entry(model: model, provider: nil, at: time), let input = entry.rates.input,
            let read = entry.rates.cacheRead, input > read
        else { return .zero }
        let difference = Int128(input.attodollarsPerToken - read.attodollarsPerToken)
        // 10⁻¹⁸ dollar a token, in thousandths of the factor, rounded to the nearest 10⁻⁹ dollar.
        let (product, overflow) = (difference * Int128(entry.factor.thousandths))
            .multipliedReportingOverflow(by: Int128(tokens))
        guard !overflow else { return Money(nanodollars: .max) }
        return Money(nanodollars: Int64(clamping: (product + 500_000_000_000) / 1_000_000_000_000))
    }
}

/// What the kinds of tokens took of a cost.
public struct CostByKind: Sendable, Hashable {
    /// Uncached input.
    public var input = Money.zero
    /// Output, with reasoning.
    public var output = Money.zero
    /// Writing to caches.
    public var cacheWrite = Money.zero
    /// Reading from caches.
    public var cacheRead = Money.zero
    /// What no list price explains: costs of models that only their agents gave a cost.
    public var other = Money.zero

    /// Of no calls.
    public init() {}

    /// Adds other sums.
    public static func += (left: inout CostByKind, right: CostByKind) {
        left.input += right.input
        left.output += right.output
        left.cacheWrite += right.cacheWrite
        left.cacheRead += right.cacheRead
        left.other += right.other
    }
}

extension PriceTable {
    /// Divides what some calls of a model cost among the kinds of their tokens, in proportion to the list prices of that time.
    ///
    /// The parts sum up to the cost: tiers, discounts and reported costs change all parts alike.
    public func kinds(of totals: UsageTotals, model: String, at time: Timestamp) -> CostByKind {
        var result = CostByKind()
        let (cost, counts) = (totals.cost.nanodollars, totals.counts)
        guard cost > 0 else { return result }
        let rates = entry(model: model, provider: nil, at: time)?.rates ?? Rates()
        func weight(_ tokens: Int64, _ rate: Rate?) -> Int128 {
            Int128(max(0, tokens)) * Int128((rate ?? rates.input)?.attodollarsPerToken ?? 0)
        }
        let weights = [
            weight(counts.uncachedInput, rates.input), weight(counts.output, rates.output),
            weight(counts.cacheWrite5m, rates.cacheWrite)
                + weight(counts.cacheWrite1h, rates.cacheWrite1h ?? rates.cacheWrite),
            weight(counts.cacheRead, rates.cacheRead),
        ]
        let sum = weights.reduce(0, +)
        guard sum > 0 else {
            result.other = totals.cost
            return result
        }
        // The weights are cut to 40 bits, so that their products with a cost stay within 128.
        let unit = max(1, sum >> 40)
        let whole = weights.map { $0 / unit }.reduce(0, +)
        let parts = weights.map { Int64(clamping: Int128(cost) * ($0 / unit) / max(1, whole)) }
        // What rounding left over belongs to the largest part.
        let rest = cost - parts.reduce(0, +)
        let largest = weights.indices.max { weights[$0] < weights[$1] } ?? 0
        let amounts = parts.indices.map { Money(nanodollars: parts[$0] + ($0 == largest ? rest : 0)) }
        (result.input, result.output, result.cacheWrite, result.cacheRead) = (
            amounts[0], amounts[1], amounts[2], amounts[3]
        )
        return result
    }
}
