// SPDX-License-Identifier: Apache-2.0

/// Something an agent says of itself now and then, of which the newest report counts.
public protocol AgentReport: Hashable, Sendable {
    /// What is reported; a later report with the same key replaces an earlier one.
    associatedtype Key: Hashable & Comparable

    /// The identity of what is reported.
    var key: Key { get }
    /// When it was reported.
    var reportedAt: Timestamp { get set }
    /// Of two reports of one instant the one with the larger weight counts.
    var weight: Int64 { get }

    /// Shortens the names that a sender chose, as ``NameLimit`` has it.
    mutating func shortenNames()

    /// How many are kept: senders choose the names. The one that was reported longest ago goes first.
    static var most: Int { get }
    /// After so many nanoseconds without a report it is forgotten.
    static var longest: Int64 { get }
}

/// The newest report of each key; bounded.
public struct NewestReports<Report: AgentReport>: Hashable, Sendable {
    /// The reports, ordered by their keys.
    public private(set) var reports: [Report] = []

    /// Creates an empty list.
    public init() {}

    /// The report with a key; nil when there is none.
    public subscript(key: Report.Key) -> Report? {
        let place = place(of: key)
        return place < reports.endIndex && reports[place].key == key ? reports[place] : nil
    }

    /// Takes in a report; one that is older than what is known changes nothing.
    ///
    /// - Parameter now: The present; a report from the future counts as one of the present, so that a clock that was wrong once does not
    ///   keep later reports out.
    public mutating func note(_ report: Report, now: Timestamp) {
        var report = report
        report.reportedAt = min(report.reportedAt, now)
        report.shortenNames()
        let place = place(of: report.key)
        if place < reports.endIndex, reports[place].key == report.key {
            let known = reports[place]
            guard (known.reportedAt.nanoseconds, known.weight) <= (report.reportedAt.nanoseconds, report.weight)
            else { return }
            reports[place] = report
        } else {
            reports.insert(report, at: place)
        }
        trim(now)
    }

    /// Takes in several reports.
    public mutating func merge(_ others: [Report], now: Timestamp) {
        for report in others { note(report, now: now) }
    }

    /// The first place with this key or a larger one.
    private func place(of key: Report.Key) -> Int {
        var (low, high) = (0, reports.count)
        while low < high {
            let middle = (low + high) / 2
            if reports[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func trim(_ now: Timestamp) {
        reports.removeAll { now.nanoseconds.saturatingSubtracting($0.reportedAt.nanoseconds) > Report.longest }
        while reports.count > Report.most,
            let oldest = reports.indices.min(by: { reports[$0].reportedAt < reports[$1].reportedAt })
        {
            reports.remove(at: oldest)
        }
    }
}
