// SPDX-License-Identifier: Apache-2.0

/// Prices calls by a table and remembers what it found, for callers who price many.
///
/// A value for one thread at a time; every caller keeps its own. It holds a bounded number of models, so that invented
/// names cannot fill the memory.
public struct PriceCache: Sendable {
    /// The table.
    public let table: PriceTable
    private let capacity: Int
    private var known: [Key: PriceHistory?] = [:]
    /// The origins of the latest calls: those that come together share a few, which are found without looking at a text.
    private var recent: [(origin: SharedOrigin, history: PriceHistory?)] = []
    private var next = 0

    private static let recentCapacity = 8

    private struct Key: Hashable {
        var model: String
        var provider: String?
    }

    /// Creates an empty cache of at most `capacity` pairs of model and provider.
    public init(table: PriceTable, capacity: Int = 1024) {
        self.table = table
        self.capacity = max(1, capacity)
    }

    /// The cost of a call, as ``PriceTable/cost(of:)``.
    public mutating func cost(of call: PricedCall) -> Cost? {
        history(model: call.model, provider: call.provider)?.entry(at: call.time)?.cost(of: call)
    }

    /// The prices of the model of calls, as ``PriceTable/history(model:provider:)``; nil without a model.
    mutating func history(of origin: SharedOrigin) -> PriceHistory? {
        if let position = recent.firstIndex(where: { $0.origin.isIdentical(to: origin) }) {
            return recent[position].history
        }
        var found: PriceHistory?
        if let model = origin.value.model { found = history(model: model, provider: origin.value.provider) }
        if recent.count < Self.recentCapacity {
            recent.append((origin, found))
        } else {
            recent[next] = (origin, found)
            next = (next + 1) % Self.recentCapacity
        }
        return found
    }

    /// The prices of a model, as ``PriceTable/history(model:provider:)``.
    public mutating func history(model: String, provider: String?) -> PriceHistory? {
        let key = Key(model: model, provider: provider)
        if let found = known[key] { return found }
        let found = table.history(model: model, provider: provider)
        // A name that is too long is never priced; remembering it would let a sender choose how much memory is held.
        guard model.utf8.count <= ModelName.longest, provider?.utf8.count ?? 0 <= ModelName.longest else {
            return found
        }
        if known.count >= capacity { known.removeAll(keepingCapacity: true) }
        known[key] = .some(found)
        return found
    }
}
