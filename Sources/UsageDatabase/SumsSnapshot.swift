// SPDX-License-Identifier: Apache-2.0

package import Usage

/// One state of a store, as summaries read it: sums by quarter of an hour, who runs which session, and what was changed when.
///
/// A store has a row for each session and each model, numbered from one on. Not for several threads at once.
package protocol SumsSnapshot {
    /// The number of the newest transaction of this state.
    func revision() throws -> Int64
    /// The days (UTC, counted from 1970) that have sums, each with the transaction that last changed them.
    func changes(of days: ClosedRange<Int64>) throws -> [Int64: Int64]
    /// The first day with sums in a range of days; nil when there are none.
    func firstDay(in days: Range<Int64>) throws -> Int64?
    /// The sums of a day.
    func sums(ofDay day: Int64) throws -> [SummaryMemory.Sums]
    /// Calls `body` with the sessions that were changed after a transaction.
    func forEachOwner(changedAfter revision: Int64, _ body: (SummaryMemory.OwnerRow) throws -> Void) throws
    /// Calls `body` with the models whose numbers are larger, in the order of their numbers.
    func forEachModel(after row: Int64, _ body: (_ row: Int64, _ name: String) throws -> Void) throws
    /// The sessions of some rows in their order; nil where there is none.
    func sessions(_ rows: [Int64]) throws -> [Session?]
    /// The ids of the sessions of some rows in their order; empty where there is none.
    func sessionIDs(_ rows: [Int64]) throws -> [String]
    /// Calls `body` with the rows of all sessions in the order of their ids, until it says that it wants no more.
    func forEachSessionByID(_ body: (_ row: Int32) throws -> Bool) throws
    /// How many sessions are active at an instant.
    func activeSessions(at now: Timestamp, _ filter: UsageFilter) throws -> Int
    /// The error for a row that another one names and that is missing.
    func missing(_ kind: String, _ row: Int64, namedBy referrer: String) -> any Error
}

/// The finest step of sums: time zones differ by multiples of it, so that days of every zone are exact.
package enum QuarterHour {
    /// Its length.
    package static let nanoseconds: Int64 = 900_000_000_000
    /// How many a day has.
    package static let countOfDay: Int64 = 96
}
