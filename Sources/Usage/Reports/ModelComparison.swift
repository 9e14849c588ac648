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
