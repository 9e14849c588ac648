// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import Usage

/// The series of which a backend has values, so that one without calls is sent as zero, also after a restart.
///
/// Sums are cumulative: a backend keeps the last value of a series that is not sent any more, and would add it to the series that have its
/// calls now. A later start time of those series (OTLP: `start_time_unix_nano`) would not change that, because a series of which nothing
/// is sent has no point that could carry it. So each is sent as zero at least once, and for a day, because a point may be lost behind
/// the pipeline.
struct SentSeries: Equatable {
    /// An attribute of a series.
    struct Label: Hashable, Codable {
        let key: String
        let value: String
    }

    /// The attributes of a series, by key.
    typealias Series = [Label]

    private struct Entry: Equatable {
        /// Whether a histogram of durations was sent.
        var hasDurations = false
        /// Since when it has no calls; nil while it has some.
        var emptySince: Int64?
    }

    private var entries: [Series: Entry] = [:]

    /// How long a series without calls is sent, in nanoseconds.
    private static let longest: Int64 = 86_400_000_000_000
    /// How many series without calls are sent again and again, the latest ones.
    private static let most = 1_000
    /// How many bytes of names are kept in a file.
    private static let largest = 16 << 20

    /// No series.
    init() {}

    /// Notes the series that have calls now, and returns the points of all series that are to be sent, in an order that does not change.
    mutating func take(_ sums: [Series: UsageMeter.Sums], at now: Timestamp) -> [UsageMetricsBatch.Entry] {
        for (series, figures) in sums {
            let hadDurations = entries[series]?.hasDurations == true
            entries[series] = Entry(hasDurations: hadDurations || figures.durations.count > 0)
        }
        for (series, entry) in entries where sums[series] == nil && entry.emptySince == nil {
            entries[series]?.emptySince = now.nanoseconds
        }
        forget(at: now.nanoseconds)
        let points = entries.map { series, entry in
            UsageMetricsBatch.Entry(
                series: series,
                sums: sums[series] ?? UsageMeter.Sums(),
                hasDurations: entry.hasDurations
            )
        }
        return points.sorted { left, right in
            left.series.lexicographicallyPrecedes(right.series) { ($0.key, $0.value) < ($1.key, $1.value) }
        }
    }

    /// Forgets series that have been sent as zero often enough; not one that is so for the first time.
    private mutating func forget(at now: Int64) {
        let empty = entries.compactMap { series, entry in entry.emptySince.map { (series: series, since: $0) } }
            .sorted { $0.since > $1.since }
        for (place, entry) in empty.enumerated() where entry.since != now {
            let (time, isOverflow) = now.subtractingReportingOverflow(entry.since)
            if place >= Self.most || isOverflow || time >= Self.longest { entries[entry.series] = nil }
        }
    }

    /// What was to be sent at a time was not taken: series that would have been zero for the first time are so the next time.
    mutating func repeatLater(_ time: Timestamp) {
        for (series, entry) in entries where entry.emptySince == time.nanoseconds { entries[series]?.emptySince = nil }
    }

    // MARK: - File

    private struct Document: Codable {
        struct Item: Codable {
            var labels: [Label]
            var durations: Bool
            var emptySince: Int64?
        }

        var version = 1
        var series: [Item]
    }

    /// Reads what ``bytes()`` has written; nil for anything else.
    init?(_ bytes: [UInt8]) {
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)), document.version == 1 else {
            return nil
        }
        for item in document.series {
            entries[item.labels] = Entry(hasDurations: item.durations, emptySince: item.emptySince)
        }
    }

    /// The series as a file; of very many only some, those with calls last.
    func bytes() throws -> [UInt8] {
        var (items, size) = ([Document.Item](), 0)
        for (series, entry) in entries.sorted(by: { ($0.value.emptySince ?? 0) > ($1.value.emptySince ?? 0) }) {
            size += series.reduce(64) { $0 + $1.key.utf8.count + $1.value.utf8.count }
            guard size <= Self.largest else { break }
            items.append(
                Document.Item(labels: series, durations: entry.hasDurations, emptySince: entry.emptySince)
            )
        }
        return try OrderedJSONEncoder.bytes(of: Document(series: items))
    }
}
