// SPDX-License-Identifier: Apache-2.0

public import Usage

/// Copies everything that a store keeps into another one: sessions, calls with their observations and prices, records.
///
/// An empty target takes calls in as they are; one that has some of its own takes their observations in as if they had just arrived, so that
/// its ledger merges both. Either way it finds repeats, and later observations join the copied calls. A copy can therefore end at any page,
/// go on from the page before, and be repeated. One copy at a time.
public struct StoreCopy: Sendable {
    private let source: any UsageStore
    private let target: any Exporter
    private let targetStore: any UsageStore
    private let pricing: Pricing
    private let now: @Sendable () -> Timestamp
    private var prices = KeptPrices()
    /// How many sessions, calls or batches are copied at a time; a page is kept by one transaction of the target.
    public var pageSize = 1_000

    /// How far a copy has come; to be kept so that another process can go on.
    public struct Progress: Sendable, Hashable, Codable {
        /// The store that is copied and its copy, by ``Exporter/storeIdentity``; in another store a place has no meaning.
        public var stores: [UInt64?]
        /// Where the next page begins; nil at the beginning.
        public var cursor: StoreCursor?
        /// Where records go on in a copy that is repeated: all before are in the target.
        public var records: [Int64] = []
        /// Whether the target had calls or sessions of its own, or may have some by now.
        public var isShared = false
        /// Whether everything was copied.
        public var isDone = false
        /// How many sessions this copy has handed over.
        public var sessions: Int64 = 0
        /// How many calls.
        public var calls: Int64 = 0
        /// How many batches of records.
        public var batches: Int64 = 0

        fileprivate init(_ stores: [UInt64?]) { self.stores = stores }
    }

    /// What a store sums up to.
    public struct Figures: Sendable, Hashable, Codable {
        /// The figures by name, all calls of all times together.
        public var sums: [String: Int64] = [:]

        /// The names in the order in which people read them.
        public static let names = [
            "sessions", "calls", "unpricedCalls", "inputTokens", "cacheReadTokens", "cacheWrite5mTokens",
            "cacheWrite1hTokens", "outputTokens", "reasoningTokens", "cost",
        ]
    }

    /// How a copy ended.
    public enum Outcome: Sendable {
        /// Everything is in the target; both stores' figures.
        case complete(source: Figures, target: Figures)
        /// The caller ended it; it can go on later.
        case interrupted
    }

    /// Creates a copy between two stores that were started.
    ///
    /// - Parameters:
    ///   - pricing: Prices calls that turn out to be others than in the source because the target knows more about them.
    ///   - now: The present time.
    /// - Throws: ``StoreError`` when the target is no store.
    public init(
        from source: any UsageStore,
        to target: any Exporter,
        pricing: Pricing,
        now: @escaping @Sendable () -> Timestamp
    ) throws {
        guard let store = target.usageStore else { throw StoreError("what is copied to is no store") }
        (self.source, self.target, self.pricing, self.now) = (source, target, pricing, now)
        targetStore = store
    }

    // MARK: - Copying

    /// Copies from where an earlier copy ended.
    ///
    /// - Parameters:
    ///   - former: How far that one came; nil for none. It is ignored when one of the stores is another one than it was.
    ///   - sourceIdentity: ``Exporter/storeIdentity`` of the source.
    ///   - page: Called before the first page and after each, when the page is in the target, with what there is to copy; to keep the
    ///     progress. The copy ends when it returns false, unless everything is copied.
    public mutating func run(
        after former: Progress?,
        sourceIdentity: UInt64?,
        _ page: (Progress, StoreInventory) async throws -> Bool
    ) async throws -> Outcome {
        let inventory = try await source.inventory()
        let stores = [sourceIdentity, target.storeIdentity]
        var progress = Progress(stores)
        let known = former.flatMap { $0.stores == stores && !stores.contains(nil) ? $0 : nil }
        let own = try await targetStore.inventory()
        if let known {
            progress = known
        } else {
            progress.isShared = own.calls > 0 || own.sessions > 0
        }
        if progress.isDone {
            // By now the target may have taken in something of its own.
            (progress.cursor, progress.isDone, progress.isShared) = (nil, false, true)
            (progress.sessions, progress.calls, progress.batches) = (0, 0, 0)
        }
        if own.border.instant < inventory.border.instant, !progress.isShared {
            // What the source does not take in any more must not come back by the target.
            _ = try await targetStore.compact(before: inventory.border.instant)
        }
        let takesExpired = try await targetStore.inventory().border.instant >= inventory.border.instant
        guard try await page(progress, inventory) else { return .interrupted }
        while !progress.isDone {
            try await copyPage(&progress, takesExpired: takesExpired)
            let mayGoOn = try await page(progress, inventory)
            // A copy that is complete is only compared yet.
            guard mayGoOn || progress.isDone else { return .interrupted }
        }
        return .complete(source: try await figures(of: source), target: try await figures(of: targetStore))
    }

    private mutating func copyPage(_ progress: inout Progress, takesExpired: Bool) async throws {
        let page = try await source.contents(after: progress.cursor, limit: pageSize)
        try await deliver(sessions: page.sessions)
        let calls = takesExpired ? page.calls : page.calls.filter { !$0.isExpired }
        try await deliver(calls, isShared: progress.isShared)
        for batch in page.batches { try await deliver(batch) }
        progress.sessions += Int64(page.sessions.count)
        progress.calls += Int64(page.calls.count)
        progress.batches += Int64(page.batches.count)
        if let next = page.next, next.section == .records {
            if next.place.isEmpty {
                progress.cursor = StoreCursor(.records, progress.records)
            } else {
                (progress.cursor, progress.records) = (next, next.place)
            }
        } else {
            progress.cursor = page.next
        }
        progress.isDone = progress.cursor == nil
    }

    private func deliver(sessions: [SessionUpdate]) async throws {
        guard !sessions.isEmpty else { return }
        var batch = Batch(receivedAt: now())
        for session in sessions { batch.sessions.append(session) }
        try await deliver(batch)
    }

    /// - Parameter isShared: Whether the target may know other observations of the calls.
    private mutating func deliver(_ calls: [StoredCall], isShared: Bool) async throws {
        var entries: [LedgerEntry] = []
        for stored in calls {
            guard let entry = LedgerEntry(observations: stored.observations) else {
                throw StoreError("a call of the store has no observations")
            }
            prices.add(entry.call, stored.price)
            entries.append(entry)
        }
        guard !entries.isEmpty else { return }
        var batch = Batch(receivedAt: now())
        if isShared { batch.observations = entries.flatMap(\.observations) } else { batch.copiedCalls = entries }
        batch.pricing = Pricing(keeping: prices, otherwise: pricing.table, preference: pricing.preference)
        try await deliver(batch)
    }

    private func deliver(_ batch: Batch) async throws {
        do throws(ConsumeError) {
            try await target.adopt(batch)
        } catch {
            throw StoreError(error.message)
        }
    }

    // MARK: - Comparing

    /// The figures of a store, from its sums.
    private func figures(of store: any UsageStore) async throws -> Figures {
        var totals = UsageTotals()
        let present = now()
        for period in try Self.periods() { totals += try await store.summary(of: period, now: present).totals }
        var query = SessionQuery(now: present)
        query.limit = 1
        let counts = totals.counts
        let sessions = Int64(try await store.sessions(query).total)
        let sums = [
            sessions, totals.calls, totals.unpricedCalls, counts.uncachedInput, counts.cacheRead, counts.cacheWrite5m,
            counts.cacheWrite1h, counts.output, counts.reasoning, totals.cost.nanodollars,
        ]
        return Figures(sums: Dictionary(uniqueKeysWithValues: zip(Figures.names, sums)))
    }

    /// All days on which a call can have ended, in periods as long as they may be.
    private static func periods() throws -> [Period] {
        // Ten years are 3,653 days at most.
        try stride(from: 1970, to: 2260, by: 10).map { year in
            try Period(
                nil,
                from: "\(year)-01-01",
                to: "\(year + 9)-12-31",
                timezone: "UTC",
                now: Timestamp(nanoseconds: 0)
            )
        }
    }
}

extension StoreCopy.Figures {
    /// The names of the figures that differ, and are wrong.
    ///
    /// - Parameter isShared: Whether the other store may have more.
    public func differences(to other: StoreCopy.Figures, isShared: Bool) -> [String] {
        Self.names.filter { name in
            let (mine, theirs) = (sums[name] ?? 0, other.sums[name] ?? 0)
            return isShared ? name == "calls" && theirs < mine : theirs != mine
        }
    }
}
