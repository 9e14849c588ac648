// SPDX-License-Identifier: Apache-2.0

public import Usage

/// An exporter that answers queries about what it stores.
///
/// Every store gives the same answers after the same batches, in any order of arrival. Queries may run on many tasks at once; each sees
/// a state between two batches, never a part of one.
public protocol UsageStore: Sendable {
    /// The cost of a period, by dimensions.
    func summary(_ query: UsageQuery) async throws -> UsageSummary
    /// A page of sessions.
    func sessions(_ query: SessionQuery) async throws -> SessionPage
    /// One session with its calls, nil when it is unknown.
    func session(id: String) async throws -> SessionDetail?
    /// One counted call of a session with its observations and the records they were made of; nil when it is unknown.
    ///
    /// - Parameters:
    ///   - id: The id of the call, `Call.id`.
    ///   - session: The session under which it is listed.
    func call(_ id: UInt64, ofSession session: String) async throws -> CallDetail?
    /// The counted calls that ended in a range of time, in the order of their time and then of their id; of who made them only the model
    /// and the provider are filled in.
    func calls(_ query: CallQuery) async throws -> [Call]
    /// What changed since a reader asked last: whole blocks of counted calls, of one state of the store.
    ///
    /// For what adds up or mirrors the calls of a store. One answer has some ten thousand calls; the rest follows under its cursor.
    /// - Parameter cursor: That of the answer before; nil for everything.
    func changes(since cursor: UsageCursor?) async throws -> UsageChanges
    /// The next part of everything that the store keeps, for a copy in another store.
    ///
    /// - Parameters:
    ///   - cursor: That of the page before, also of an earlier opening; nil for the beginning.
    ///   - limit: How many sessions, calls or batches a page has at most; at least one.
    func contents(after cursor: StoreCursor?, limit: Int) async throws -> StorePage
    /// How much ``contents(after:limit:)`` hands over altogether, and how far the store is compacted.
    func inventory() async throws -> StoreInventory
    /// The process beside this one that has the store open; nil when there is none, or it may be shared. May be asked before the start.
    var otherUser: String? { get }
    /// How well the calls of a period are known.
    func quality(of period: Period) async throws -> DataQuality
    /// All non-empty names of a dimension in the stored data; names of removed data may be among them.
    func names(of dimension: UsageDimension) async throws -> Set<String>
    /// Models of counted calls without a price, by name.
    func unpricedModels() async throws -> [UnpricedModel]
    /// Recomputes the cost of every call and returns how many changed; batches may arrive meanwhile.
    func reprice(by pricing: Pricing) async throws -> Int
    /// Removes what ended before a time and returns the number of records and calls.
    ///
    /// From then on the store does not accept what the compaction would have removed (``CompactionBorder``), even after a restart.
    func compact(before instant: Timestamp) async throws -> Int
    /// A number that changes with the stored data; cheap enough to be read every second.
    func revision() async throws -> Int64

    /// Takes a duty, or keeps it for a further two and a half minutes; after that time another collector may take it.
    ///
    /// - Returns: nil while another collector has it.
    func take(_ duty: StoreDuty) async throws -> StoreTerm?
    /// Leaves something for the next collector that takes the duty.
    ///
    /// - Returns: Whether the duty was still this collector's; otherwise nothing was left.
    func leave(_ memo: [UInt8], of duty: StoreDuty) async throws -> Bool
    /// What was left last for a duty, whichever collector has it.
    func memo(of duty: StoreDuty) async throws -> [UInt8]?
    /// The other collectors that used the store in the last day, as they were known half a minute ago at most; cheap.
    var otherCollectors: [StoreCollector] { get }
}

extension UsageStore {
    /// Refuses: a store of another program may not keep what a call was made of.
    public func call(_ id: UInt64, ofSession session: String) async throws -> CallDetail? {
        throw StoreError("this store does not hand over what a call was made of")
    }

    /// Refuses: a store of another program may not know what changed.
    public func changes(since cursor: UsageCursor?) async throws -> UsageChanges {
        throw StoreError("this store does not hand over its changes")
    }

    /// Refuses: a store of another program may not hand itself over.
    public func contents(after cursor: StoreCursor?, limit: Int) async throws -> StorePage {
        throw StoreError("this store cannot be copied")
    }

    /// Refuses, as ``contents(after:limit:)``.
    public func inventory() async throws -> StoreInventory { throw StoreError("this store cannot be copied") }

    /// Nil: not known.
    public var otherUser: String? { nil }

    /// The cost of a period, by dimensions, without a filter.
    public func summary(of period: Period, now: Timestamp) async throws -> UsageSummary {
        try await summary(UsageQuery(period, now: now))
    }
}

/// A query that failed, with the reason.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let description: String

    /// Creates an error.
    public init(_ description: String) {
        self.description = description
    }
}
