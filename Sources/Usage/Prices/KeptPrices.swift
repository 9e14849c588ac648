// SPDX-License-Identifier: Apache-2.0

/// The prices of calls that were priced before, so that a copy of a call costs what the call costs.
///
/// A price belongs to a call as it is: when another observation changes its tokens or its model, it has no kept price any more. Bounded: the
/// calls that were added first are forgotten. A value.
public struct KeptPrices: Sendable {
    private var prices: [UInt64: Kept] = [:]
    private var ids: [UInt64] = []
    private var oldest = 0

    private struct Kept {
        /// Distinguishes the call from others with its id, in this process.
        var hash: Int
        var price: CallPrice
    }

    /// How many calls are remembered: the neighbours with which a ledger may rearrange a call, in a few megabytes.
    static let capacity = 65_536

    /// No prices.
    public init() {}

    /// Adds the price of a call.
    public mutating func add(_ call: Call, _ price: CallPrice) {
        if prices.updateValue(Kept(hash: Self.hash(call), price: price), forKey: call.id) != nil { return }
        guard ids.count >= Self.capacity else { return ids.append(call.id) }
        prices[ids[oldest]] = nil
        ids[oldest] = call.id
        oldest = (oldest + 1) % Self.capacity
    }

    /// The price of a call; nil when it has none here, or is another call than it was.
    subscript(call: Call) -> CallPrice? {
        guard let kept = prices[call.id], kept.hash == Self.hash(call) else { return nil }
        return kept.price
    }

    private static func hash(_ call: Call) -> Int {
        guard call.price != nil else { return call.hashValue }
        var unpriced = call
        unpriced.price = nil
        return unpriced.hashValue
    }
}
