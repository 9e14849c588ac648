// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

/// Goes through calls in the order of time without holding all of them: some days at a time.
struct CallWalk {
    let store: any UsageStore
    let filter: UsageFilter
    let now: Timestamp

    private static let day: Int64 = 86_400_000_000_000
    /// How many calls are read at once, unless a single day has more.
    private static let mostCalls: Int64 = 20_000

    /// Hands over the calls from one instant up to another.
    ///
    /// - Parameter start: Nil for the longest period that can be asked for.
    func forEach(from start: Timestamp?, to end: Timestamp, _ use: (Call) -> Void) async throws {
        for range in try await ranges(from: start, to: end) {
            try Task.checkCancellation()
            let first = max(range.lowerBound, start ?? range.lowerBound)
            guard first < end else { continue }
            var query = CallQuery(from: first, to: min(range.upperBound, end))
            query.filter = filter
            for call in try await store.calls(query) { use(call) }
        }
    }

    /// Days that have calls, several together as long as they have few.
    private func ranges(from start: Timestamp?, to end: Timestamp) async throws -> [Range<Timestamp>] {
        let days = start.map { ($0 < end ? end.nanoseconds - $0.nanoseconds : -2 * Self.day) / Self.day + 2 }
        guard days ?? 1 > 0 else { return [] }
        let period = try Period("\(min(days ?? .max, Int64(Period.longest)))d", timezone: "UTC", now: end)
        var query = UsageQuery(period, now: now)
        (query.filter, query.listsSessions) = (filter, false)
        let sums = try await store.summary(query).byDay
        var ranges: [Range<Timestamp>] = []
        var calls: Int64 = 0
        for (position, day) in sums.enumerated() where day.totals.calls > 0 {
            let (from, to) = (period.dayStarts[position], period.dayStarts[position + 1])
            if let open = ranges.last, calls.saturatingAdding(day.totals.calls) <= Self.mostCalls {
                ranges[ranges.count - 1] = open.lowerBound..<to
                calls += day.totals.calls
            } else {
                ranges.append(from..<to)
                calls = day.totals.calls
            }
        }
        return ranges
    }
}
