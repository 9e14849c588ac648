// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// Limits of subscriptions, as agents report them.
struct LimitTests {
    private static func limit(
        _ used: Double,
        at time: String,
        name: String = "five_hour",
        machine: String? = nil,
        account: String? = nil,
        window: Int64? = 300,
        resets: String? = "2026-11-22T14:00:00Z"
    ) throws -> UsageLimit {
        var limit = try #require(
            UsageLimit(
                agent: "claude-code",
                name: name,
                usedPercent: used,
                windowMinutes: window,
                resetsAt: resets.flatMap { Timestamp(iso8601: $0) },
                source: .statusLine,
                reportedAt: try instant(time)
            )
        )
        (limit.machine, limit.account) = (machine, account)
        return limit
    }

    private static func instant(_ text: String) throws -> Timestamp { try #require(Timestamp(iso8601: text)) }

    /// Reports of one limit in the order in which they arrive, and what is known at the end.
    private static let orders: [([(Double, String)], Int64)] = [
        // A report out of order changes nothing.
        ([(40, "2026-11-22T10:00:00Z"), (30, "2026-11-22T09:00:00Z")], 400_000_000),
        ([(30, "2026-11-22T09:00:00Z"), (40, "2026-11-22T10:00:00Z")], 400_000_000),
        // A new window begins with less.
        ([(99, "2026-11-22T09:00:00Z"), (1, "2026-11-22T10:00:00Z")], 10_000_000),
        // Of one instant the higher share counts, whatever comes first.
        ([(40, "2026-11-22T10:00:00Z"), (41, "2026-11-22T10:00:00Z")], 410_000_000),
        ([(41, "2026-11-22T10:00:00Z"), (40, "2026-11-22T10:00:00Z")], 410_000_000),
        // A report from the future is one of the present: a later one is not kept out.
        ([(99, "2030-01-01T00:00:00Z"), (99.5, "2026-11-22T12:00:00Z")], 995_000_000),
    ]

    @Test(arguments: orders)
    func `the newest report counts`(reports: [(Double, String)], used: Int64) throws {
        var limits = NewestReports<UsageLimit>()
        let now = try Self.instant("2026-11-22T12:00:00Z")
        for (share, time) in reports { limits.note(try Self.limit(share, at: time), now: now) }
        #expect(limits.reports.map(\.used) == [used])
    }

    @Test func `each account and machine has limits of its own, ordered, and of the longest unheard one is forgotten`()
        throws
    {
        var limits = NewestReports<UsageLimit>()
        let now = try Self.instant("2026-11-22T12:00:00Z")
        for (name, machine, account) in [("seven_day", "b", nil), ("five_hour", "b", nil), ("five_hour", "a", "x")] {
            limits.note(
                try Self.limit(1, at: "2026-11-22T10:00:00Z", name: name, machine: machine, account: account),
                now: now
            )
        }
        #expect(
            limits.reports.map(\.key.text) == [
                "claude-code/b/five_hour", "claude-code/b/seven_day", "claude-code/x/a/five_hour",
            ]
        )
        #expect(limits.reports.map(\.subscription.text).last == "claude-code/x/five_hour")
        for index in 0..<(UsageLimit.most + 20) {
            limits.note(try Self.limit(1, at: "2026-11-22T11:00:00Z", name: "n\(index)"), now: now)
        }
        #expect(limits.reports.count == UsageLimit.most)
        #expect(!limits.reports.contains { $0.machine != nil })
        limits.note(try Self.limit(1, at: "2026-12-30T11:00:00Z"), now: try Self.instant("2026-12-30T12:00:00Z"))
        #expect(limits.reports.count == 1)
    }

    private static let shares: [(Double, String, Bool)] = [
        (-1, "n", false), (.nan, "n", false), (.infinity, "n", false), (1_000, "n", true), (1_000.1, "n", false),
        (0, "n", true), (38.25, "", false),
    ]

    @Test(arguments: shares)
    func `what is no share is no limit`(share: Double, name: String, isOne: Bool) {
        let limit = UsageLimit(
            agent: "codex",
            name: name,
            usedPercent: share,
            windowMinutes: 300,
            resetsAt: nil,
            source: .rollout,
            reportedAt: Timestamp(nanoseconds: 1)
        )
        #expect((limit != nil) == isOne)
    }

    private static let windows: [(Int64, String)] = [
        (300, "5h"), (10_080, "7d"), (60, "1h"), (90, "90m"), (43_200, "30d"), (0, "five_hour"), (-5, "five_hour"),
        (.max, "five_hour"),
    ]

    @Test(arguments: windows)
    func `a window has a short name`(minutes: Int64, label: String) throws {
        #expect(try Self.limit(1, at: "2026-11-22T10:00:00Z", window: minutes).label == label)
    }

    /// A window from 09:00 to 14:00: share, time of the report, its end at that pace, and when it is full.
    private static let paces: [(Double, String, Int64?, String?)] = [
        (50, "2026-11-22T11:30:00Z", 1_000_000_000, nil),
        (50, "2026-11-22T10:00:00Z", 2_500_000_000, "2026-11-22T11:00:00.000Z"),
        (80, "2026-11-22T12:00:00Z", 1_333_333_333, "2026-11-22T12:45:00.000Z"),
        (10, "2026-11-22T12:00:00Z", 166_666_666, nil),
        // Used up already.
        (100, "2026-11-22T12:00:00Z", 1_666_666_666, nil),
        // The first twentieth says nothing, nor does a report from before the window.
        (10, "2026-11-22T09:14:00Z", nil, nil), (10, "2026-11-22T08:00:00Z", nil, nil),
        (10, "2026-11-22T14:00:00Z", 100_000_000, nil), (10, "2026-11-22T15:00:00Z", nil, nil),
    ]

    @Test(arguments: paces)
    func `a pace`(share: Double, time: String, projected: Int64?, full: String?) throws {
        let limit = try Self.limit(share, at: time)
        #expect(limit.projected == projected)
        #expect(limit.fullAt?.iso8601 == full)
        #expect(try Self.limit(share, at: time, window: nil).projected == nil)
        #expect(try Self.limit(share, at: time, resets: nil).projected == nil)
    }

    private static let resets: [(String, Int64?, String?, Bool)] = [
        ("2026-11-22T13:59:59.999Z", 300, "2026-11-22T14:00:00Z", true),
        ("2026-11-22T14:00:00Z", 300, "2026-11-22T14:00:00Z", false),
        // Without a reset time as long as the window is, or a day.
        ("2026-11-22T14:59:59Z", 300, nil, true), ("2026-11-22T15:00:00Z", 300, nil, false),
        ("2026-11-23T09:59:59Z", nil, nil, true), ("2026-11-23T10:00:00Z", nil, nil, false),
    ]

    @Test(arguments: resets)
    func `a share holds until its reset`(now: String, window: Int64?, resets: String?, holds: Bool) throws {
        let limit = try Self.limit(50, at: "2026-11-22T10:00:00Z", window: window, resets: resets)
        #expect(limit.isCurrent(at: try Self.instant(now)) == holds)
    }

    @Test func `no figures overflow`() throws {
        let limit = try #require(
            UsageLimit(
                agent: "a",
                name: "n",
                usedPercent: 1_000,
                windowMinutes: 366 * 1_440,
                resetsAt: .latest,
                source: .rollout,
                reportedAt: Timestamp(nanoseconds: Timestamp.latest.nanoseconds - 1)
            )
        )
        #expect(limit.projected ?? 0 >= 10_000_000_000)
        #expect(limit.isCurrent(at: Timestamp(nanoseconds: 0)))
    }
}
