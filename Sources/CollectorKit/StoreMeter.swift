// SPDX-License-Identifier: Apache-2.0

public import Usage

/// Reads the sums of a store's counted calls by some dimensions again and again, each time only what changed.
///
/// Sums are those of one state of the store. The names of each dimension are bounded: those with the highest cost are listed, and what is
/// not listed is `ListedNames/other`. So that series do not come and go, a listed name makes way only for one that costs more than twice
/// as much, or when no call has it any more. An unknown name is empty and needs no place. Errors are those of the store; safe to use from
/// many tasks at once.
public actor StoreMeter {
    /// The names of one series, one for each dimension in their order; an unknown name is empty.
    public typealias Series = [String]

    private let dimensions: [UsageDimension]
    private let most: Int
    private var meter: UsageMeter
    private var listed: [Set<String>]
    private var latest: Task<[Series: UsageMeter.Sums], any Error>?

    /// Creates a meter that has read nothing.
    ///
    /// - Parameters:
    ///   - dimensions: The model and dimensions of sessions.
    ///   - most: How many names of each dimension are listed.
    public init(by dimensions: [UsageDimension], listing most: Int) {
        (self.dimensions, self.most) = (dimensions, most)
        // People and teams are named by rules that look at users and projects, too.
        let ruled: [UsageDimension] = [.user, .project, .team]
        let isRuled = !Set(ruled).isDisjoint(with: dimensions)
        meter = UsageMeter(by: dimensions + (isRuled ? ruled.filter { !dimensions.contains($0) } : []))
        listed = Array(repeating: [], count: dimensions.count)
    }

    /// The sums of a store as it is now.
    ///
    /// - Parameter namer: What a dimension of a session is called in the answer; nil for the names of the store.
    public func read(
        _ store: any UsageStore,
        naming namer: SessionNamer? = nil
    ) async throws -> [Series: UsageMeter.Sums] {
        // One after the other: a reading waits in between.
        let former = latest
        let reading = Task {
            _ = await former?.result
            try await self.update(store)
            return self.sums(namer ?? { $1.name(of: $0) })
        }
        latest = reading
        return try await reading.value
    }

    private func update(_ store: any UsageStore) async throws {
        // What was read in several pieces may be of several states, so it is asked for more until there is one piece.
        for _ in 0..<Self.mostPieces {
            let changes = try await store.changes(since: meter.cursor)
            let isOnePiece = changes.isComplete && wasComplete
            wasComplete = changes.isComplete
            meter.take(changes)
            if isOnePiece { return }
        }
    }

    /// Whether the last piece was the last one of its state.
    private var wasComplete = false
    /// How many pieces are read at most: a billion calls.
    private static let mostPieces = 32_768

    private func sums(_ name: SessionNamer) -> [Series: UsageMeter.Sums] {
        var sums: [Series: UsageMeter.Sums] = [:]
        for (names, more) in meter.sums {
            let series = dimensions.map { ($0 == .model ? names.model : name(names.session, $0)) ?? "" }
            sums[series, default: UsageMeter.Sums()] += more
        }
        list(sums)
        return sums.reduce(into: [:]) { bounded, entry in
            let series = entry.key.enumerated().map { $1.isEmpty || listed[$0].contains($1) ? $1 : ListedNames.other }
            bounded[series, default: UsageMeter.Sums()] += entry.value
        }
    }

    /// Lists names for the present sums.
    private func list(_ sums: [Series: UsageMeter.Sums]) {
        for place in dimensions.indices {
            var costs: [String: Int128] = [:]
            for (series, figures) in sums where !series[place].isEmpty {
                costs[series[place], default: 0] += figures.cost
            }
            listed[place] = listed(costs, after: listed[place])
        }
    }

    /// The names to list.
    ///
    /// - Parameters:
    ///   - costs: What each name costs now.
    ///   - former: The names that were listed before.
    private func listed(_ costs: [String: Int128], after former: Set<String>) -> Set<String> {
        let ranking = costs.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let staying = ranking.filter { former.contains($0.key) }
        let others = ranking.filter { !former.contains($0.key) }
        let room = max(0, most - staying.count)
        var names = Set((staying + others.prefix(room)).map(\.key))
        // The most expensive of the others against the cheapest of those that are listed.
        for (other, listed) in zip(others.dropFirst(room), staying.reversed()) {
            guard other.value > listed.value * Self.leastRatio else { break }
            names.remove(listed.key)
            names.insert(other.key)
        }
        return names
    }

    /// How many times as much as a listed name another one must cost to take its place.
    private static let leastRatio: Int128 = 2
}
