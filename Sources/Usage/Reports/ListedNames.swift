// SPDX-License-Identifier: Apache-2.0

/// Which names an answer lists: a sender may invent as many models, users or projects as it has calls, and no answer may grow with them.
///
/// An answer lists the ``most`` largest names of a dimension: by cost, then by tokens, then by calls, and of equal ones those that come
/// first in the order of their bytes. What the others have is under ``other``, so that the sums over a dimension stay exact. A
/// sender's own name `other` goes to the others as soon as there are any. All stores follow this rule.
public enum ListedNames {
    /// How many names are listed beside ``other``.
    public static let most = 200
    /// The name of what is not listed.
    public static let other = "other"

    /// The names of a dimension that are listed; nil when there are few enough to list all of them.
    public static func chosen(of totals: [String: UsageTotals]) -> Set<String>? {
        guard totals.count > most else { return nil }
        var ranking = LargestNames(most)
        for (name, totals) in totals { ranking.offer(totals, 0) { name } }
        return Set(ranking.names)
    }

    /// Puts what is not listed under ``other``.
    public static func bounded(_ totals: [String: UsageTotals], to chosen: Set<String>?) -> [String: UsageTotals] {
        guard let chosen else { return totals }
        return totals.reduce(into: [:]) {
            $0[chosen.contains($1.key) ? $1.key : other, default: UsageTotals()] += $1.value
        }
    }

    /// The costs of names, bounded by cost alone.
    public static func bounded(_ costs: [String: Money]) -> [String: Money] {
        guard costs.count > most else { return costs }
        var ranking = LargestNames(most)
        for (name, cost) in costs { ranking.offer((cost.nanodollars, 0, 0), 0) { name } }
        let chosen = Set(ranking.names)
        return costs.reduce(into: [:]) { $0[chosen.contains($1.key) ? $1.key : other, default: .zero] += $1.value }
    }

    /// Models without a price: those with most such calls, in the order of their names, and then the others as one.
    public static func bounded(_ models: [UnpricedModel]) -> [UnpricedModel] {
        let listed = unpriced(Array(models.indices), calls: { models[$0].calls }, name: { models[$0].model })
        guard models.count > most else { return models.sorted { isBefore($0.model, $1.model) } }
        let chosen = Set(listed)
        var rest = UnpricedModel(model: other, calls: 0, lastSeenAt: Timestamp(nanoseconds: 0))
        for model in models where model.model == other || !chosen.contains(model.model) {
            rest.calls = rest.calls.saturatingAdding(model.calls)
            rest.lastSeenAt = max(rest.lastSeenAt, model.lastSeenAt)
        }
        let named = models.filter { $0.model != other && chosen.contains($0.model) }
        return named.sorted { isBefore($0.model, $1.model) } + [rest]
    }

    /// The names of models without a price, as the answer about prices lists them.
    ///
    /// - Parameters:
    ///   - models: Models by numbers of the caller's; each has another name.
    ///   - calls: How many calls without a price a model has.
    ///   - name: The name of a model, asked for only when the calls do not decide.
    public static func unpriced(_ models: [Int], calls: (Int) -> Int64, name: (Int) -> String) -> [String] {
        let hasOthers = models.count > most
        var ranking = LargestNames(most, keepsOther: !hasOthers)
        for model in models { ranking.offer((calls(model), 0, 0), model) { name(model) } }
        return ranking.names.sorted(by: isBefore) + (hasOthers ? [other] : [])
    }

    private static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

/// The largest of many named figures, found without sorting all of them.
///
/// A heap whose first element is the smallest that is kept. A value for one thread.
public struct LargestNames {
    /// Figures in the order in which they are compared.
    public typealias Figures = (Int64, Int64, Int64)

    private struct Entry {
        var figures: Figures
        var name: String
        var place: Int

        /// Whether it comes after another one in the order of answers.
        func isBehind(_ other: Figures, _ otherName: @autoclosure () -> String) -> Bool {
            if figures != other { return figures < other }
            return otherName().utf8.lexicographicallyPrecedes(name.utf8)
        }
    }

    private let limit: Int
    private let keepsOther: Bool
    private var heap: [Entry] = []

    /// Keeps nothing yet.
    ///
    /// - Parameters:
    ///   - limit: How many are kept.
    ///   - keepsOther: Whether ``ListedNames/other`` is a name like any other.
    public init(_ limit: Int, keepsOther: Bool = false) {
        (self.limit, self.keepsOther) = (limit, keepsOther)
        heap.reserveCapacity(limit)
    }

    /// The names that are kept, in no order.
    public var names: [String] { heap.map(\.name) }

    /// The places that are kept, in no order.
    public var places: [Int] { heap.map(\.place) }

    /// The places that are kept, the largest first.
    public var sortedPlaces: [Int] {
        heap.sorted { $1.isBehind($0.figures, $0.name) }.map(\.place)
    }

    /// Takes a name in if it is among the largest.
    ///
    /// - Parameters:
    ///   - place: What the caller knows it by.
    ///   - name: Asked for only when the figures do not decide. The name ``ListedNames/other`` is not kept.
    public mutating func offer(_ totals: UsageTotals, _ place: Int, name: () -> String) {
        offer((totals.cost.nanodollars, totals.counts.total, totals.calls), place, name: name)
    }

    /// Takes a name in if its figures are among the largest.
    public mutating func offer(_ figures: Figures, _ place: Int, name: () -> String) {
        guard limit > 0 else { return }
        if heap.count == limit {
            if figures < heap[0].figures { return }
            let name = name()
            guard heap[0].isBehind(figures, name), keepsOther || name != ListedNames.other else { return }
            heap[0] = Entry(figures: figures, name: name, place: place)
            siftDown()
        } else {
            let name = name()
            guard keepsOther || name != ListedNames.other else { return }
            heap.append(Entry(figures: figures, name: name, place: place))
            siftUp()
        }
    }

    private mutating func siftUp() {
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBehind(heap[parent].figures, heap[parent].name) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var last = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].isBehind(heap[last].figures, heap[last].name) { last = child }
            }
            guard last != parent else { return }
            heap.swapAt(parent, last)
            parent = last
        }
    }
}
