// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Testing
import Usage

@testable import TelemetryHub

/// The report of limits.
struct LimitsReportTests {
    private func report() throws -> LimitsReport {
        let reported = try #require(Timestamp(iso8601: "2026-11-22T11:58:00Z"))
        func limit(_ agent: String, _ name: String, _ used: Double, window: Int64?, resets: String?) throws
            -> UsageLimit
        {
            try #require(
                UsageLimit(
                    agent: agent,
                    name: name,
                    usedPercent: used,
                    windowMinutes: window,
                    resetsAt: resets.flatMap { Timestamp(iso8601: $0) },
                    source: agent == "codex" ? .rollout : .statusLine,
                    reportedAt: reported
                )
            )
        }
        let now = try #require(Timestamp(iso8601: "2026-11-22T12:00:00Z"))
        var codex = try limit("codex", "primary", 99.7, window: 300, resets: "2026-11-22T14:00:00Z")
        (codex.plan, codex.machine) = ("plus", "desk")
        let limits = [
            codex, try limit("codex", "codex_x primary", 5, window: 300, resets: "2026-11-22T11:59:00Z"),
            try limit("claude-code", "seven_day_opus", 38.5, window: 10_080, resets: nil),
        ]
        return LimitsReport(LimitsDocument(limits, now: now), now: now)
    }

    @Test func `a table for people`() throws {
        #expect(
            try report().text(width: 120, style: .plain) == """
                Limit                     Used  Resets in  At reset  Reported  Plan  Account  Machine  Source
                ─────────────────────────────────────────────────────────────────────────────────────────────────
                codex 5h                   99%     2h 00m    ≈ 168%    2m ago  plus  –        desk     rollout
                codex 5h codex_x primary     –       over         –    2m ago  –     –        –        rollout
                claude-code 7d opus        39%          –         –    2m ago  –     –        –        statusline

                codex 5h will be used up by now at this pace.

                """
        )
    }

    @Test func `rows and JSON for programs have the API's figures`() throws {
        let row =
            "codex\tprimary\t300\t99.7\t2026-11-22T14:00:00.000Z\t2026-11-22T11:58:00.000Z\ttrue\t168.0337078\t"
        let text = try report().programTable.tabbed(header: false)
        #expect(text.hasPrefix(row), "\(text)")
        let json = try report().json
        #expect(json.contains(#""schema":{"name":"hammurabi.limits","version":1}"#))
        #expect(json.contains(#""used_percent":99.7"#) && json.contains(#""is_current":false"#))
    }

    @Test func `without a report it says how one comes`() {
        let text = LimitsReport(LimitsDocument([], now: Timestamp(nanoseconds: 0)), now: Timestamp(nanoseconds: 0))
            .text(width: 80, style: .plain)
        #expect(text.contains("hammurabi scan") && text.contains("hammurabi onboard"))
    }

    @Test func `status and doctor name the limits that are nearly used`() throws {
        #expect(try report().nearlyFull == ["codex 5h: 99% used, reset in 2h 00m"])
        let findings = try report().findings { _ in nil }
        #expect(findings.map(\.level) == [.warning])
        #expect(findings[0].message == "codex 5h: 99% used, reset in 2h 00m")
        var used = LimitsDocument([], now: Timestamp(nanoseconds: 0))
        #expect(LimitsReport(used, now: Timestamp(nanoseconds: 0)).findings { _ in nil }.map(\.level) == [.ok])
        used = try document(101, reported: "2026-11-22T11:00:00Z")
        let now = try #require(Timestamp(iso8601: "2026-11-22T12:00:00Z"))
        #expect(LimitsReport(used, now: now).nearlyFull == ["codex 5h: used up, reset in 2h 00m"])
        let far = LimitsReport(try document(12, reported: "2026-11-22T11:00:00Z"), now: now).findings { _ in now }
        #expect(far.map(\.message) == ["the fullest is codex 5h with 12%"])
    }

    private func document(_ used: Double, reported: String) throws -> LimitsDocument {
        let limit = UsageLimit(
            agent: "codex",
            name: "primary",
            usedPercent: used,
            windowMinutes: 300,
            resetsAt: Timestamp(iso8601: "2026-11-22T14:00:00Z"),
            source: .rollout,
            reportedAt: try #require(Timestamp(iso8601: reported))
        )
        return LimitsDocument([try #require(limit)], now: try #require(Timestamp(iso8601: "2026-11-22T12:00:00Z")))
    }

    /// When the agent last called a model, and whether its limits are stale.
    @Test(arguments: [(nil, false), ("2026-11-22T10:59:00Z", false), ("2026-11-22T11:00:01Z", true)])
    func `doctor says when calls go on and limits do not`(lastCall: String?, isStale: Bool) throws {
        let now = try #require(Timestamp(iso8601: "2026-11-22T12:00:00Z"))
        let report = LimitsReport(try document(12, reported: "2026-11-21T11:00:00Z"), now: now)
        let findings = report.findings { $0 == "codex" ? lastCall.flatMap { Timestamp(iso8601: $0) } : nil }
        #expect(findings.count == 1)
        #expect(
            findings[0].message.hasPrefix("codex reported its limits last 1d ago, but its calls go on to ") == isStale
        )
    }
}
