// SPDX-License-Identifier: Apache-2.0

import OTLP
public import Usage

/// A part of everything that a store keeps, as a copy in another store needs it.
///
/// Calls come with their observations, so that the other store's ledger finds in them what the first one found, and what arrives later joins
/// them there, too. Everything in a page may be delivered any number of times. A value.
public struct StorePage: Sendable {
    /// What is known of sessions beside their calls; `SessionUpdate.isImplied` where no record names one.
    public var sessions: [SessionUpdate] = []
    /// Calls, also those that do not count.
    public var calls: [StoredCall] = []
    /// Batches of records, each with the sessions of its records.
    public var batches: [Batch] = []
    /// Where the next page begins; nil after the last.
    public var next: StoreCursor?

    /// Creates an empty page.
    public init() {}

    /// Makes the page after a place of what a store reads of each section; sections follow one another.
    ///
    /// - Parameter read: Adds what a section has after a place and returns the new place; nil when the section has no more.
    public static func following(
        _ cursor: StoreCursor?,
        _ read: (StoreCursor.Section, _ place: [Int64], inout StorePage) throws -> [Int64]?
    ) rethrows -> StorePage {
        var page = StorePage()
        let cursor = cursor ?? StoreCursor(.sessions, [])
        if let place = try read(cursor.section, cursor.place, &page) {
            page.next = StoreCursor(cursor.section, place)
        } else {
            page.next = cursor.section.next.map { StoreCursor($0, []) }
        }
        return page
    }

    /// From how many bytes of records on a page has no further batch.
    public static let largest = 4 << 20
}

/// A call as a store keeps it, for a copy.
public struct StoredCall: Sendable, Hashable {
    /// The observations that it is made of.
    public var observations: [Observation]
    /// What it costs.
    public var price: CallPrice
    /// Whether it ended before the store's border of compaction and is only kept to be recognised.
    public var isExpired: Bool

    /// Creates a call.
    public init(observations: [Observation], price: CallPrice, isExpired: Bool) {
        (self.observations, self.price, self.isExpired) = (observations, price, isExpired)
    }
}

/// A place in what a store hands over; can be kept and used again after the store was closed.
public struct StoreCursor: Sendable, Hashable, Codable {
    /// What is handed over.
    public var section: Section
    /// The place within the section, of which only the store knows the meaning; empty at its beginning.
    public var place: [Int64]

    /// Creates a place.
    public init(_ section: Section, _ place: [Int64]) {
        (self.section, self.place) = (section, place)
    }

    /// The sections in their order: sessions before calls, which then find the names of theirs.
    public enum Section: String, Sendable, Codable, CaseIterable {
        /// ``StorePage/sessions``.
        case sessions
        /// ``StorePage/calls``.
        case calls
        /// ``StorePage/batches``.
        case records

        /// The section after it.
        public var next: Section? {
            switch self {
            case .sessions: .calls
            case .calls: .records
            case .records: nil
            }
        }
    }
}

/// How much a store keeps.
public struct StoreInventory: Sendable, Hashable {
    /// Sessions with an id.
    public var sessions: Int64 = 0
    /// Calls, also those that do not count.
    public var calls: Int64 = 0
    /// Batches of records; zero where that is not known.
    public var batches: Int64 = 0
    /// How far the store is compacted.
    public var border: CompactionBorder

    /// Creates an inventory.
    public init(sessions: Int64, calls: Int64, batches: Int64, border: CompactionBorder) {
        (self.sessions, self.calls, self.batches, self.border) = (sessions, calls, batches, border)
    }
}

extension Batch {
    /// Names the session of some records, as it is known from these records alone.
    public mutating func assign(_ records: some Sequence<Int>, toSession id: String) {
        var position: Int?
        for record in records where otlp.records.indices.contains(record) {
            let time = time(ofRecord: record)
            let known = position ?? sessions.append(SessionUpdate(id: id, time: time))
            sessions[known].extend(to: time)
            sessions.assign(record: record, to: known)
            position = known
        }
    }
}
