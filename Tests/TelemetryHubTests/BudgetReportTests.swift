// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Testing
import Usage

@testable import TelemetryHub

struct BudgetReportTests {
    private static let now = Timestamp(iso8601: "2026-11-16T00:00:00Z") ?? Timestamp(nanoseconds: 0)

    private func report(limit: Double?, used: Double, unpriced: Int64 = 0) throws -> BudgetReport {
        BudgetReport(
            limit: limit.flatMap { Money(dollars: $0) },
            document: try Documents.summary(
                calls: 3,
                tokens: 3,
                cost: used,
                unpriced: unpriced,
                rest:
                    #","budget":null,"projection":{"totalTokens":6,"totalCost":\#(min(used * 2, 9e9)),"remainingMinutes":21600}"#
            ),
            days: try Period(nil, timezone: "UTC", now: Self.now),
            now: Self.now
        )
    }

    @Test func `the state has limit, percent, projected end and days left`() throws {
        #expect(
            try report(limit: 200, used: 60).text(width: 54, style: .plain) == """
                Budget / 2026-11
                ███████░░░░░░░░░░░░░░░░░  30%
                Used       $60.00 of $200.00
                Projected  ≈ $120.00 at the end of the month
                Days left  14

                """
        )
        #expect(try report(limit: 100, used: 60).text(width: 54, style: .plain).contains("60% · will be exceeded\n"))
        #expect(try report(limit: 50, used: 60).text(width: 54, style: .plain).contains("120% · over budget\n"))
        #expect(
            try report(limit: nil, used: 60).text(width: 54, style: .plain).contains("Budget / 2026-11  none; set ")
        )
    }

    @Test(arguments: [
        (Double?.some(59.99), true, 0), (60, false, 1), (74, false, 1), (76, false, 0), (nil, false, 0),
    ])
    func `a check fails only above the limit and warns below it`(limit: Double?, isExceeded: Bool, warnings: Int) throws
    {
        let report = try report(limit: limit, used: 60)
        #expect(report.isExceeded == isExceeded)
        #expect(report.warnings(from: 0.8).count == warnings)
    }

    @Test func `a sum that cannot be held is said beside the state`() throws {
        let report = try report(limit: 200, used: 9_223_372_036.854775807)
        #expect(report.text(width: 54, style: .plain).contains("\na sum is larger than can be counted "))
        #expect(report.warnings(from: 0.8).map(\.code).contains("saturated"))
    }

    @Test func `calls without a price cause a warning, because the limit may be exceeded with them`() throws {
        #expect(
            try report(limit: 1_000, used: 60, unpriced: 2).warnings(from: 0.8).map(\.message) == [
                "2 calls have no price and are not in the cost"
            ]
        )
    }

    @Test func `programs get one row`() throws {
        #expect(try report(limit: 200, used: 60).table.rows == [["2026-11", "200", "60", "0.3", "120", "14"]])
        let json = try report(limit: 50, used: 60).json
        #expect(
            json.contains(
                #""rows":[{"days_left":14,"exceeded":true,"fraction":1.2,"limit":50,"projected":120,"used":60}]"#
            )
        )
    }

    @Test(arguments: [
        (0.0, "0%"), (0.7115, "71%"), (0.999, "99%"), (1, "100%"), (1.0001, "100%"), (1.5, "150%"), (-1, "0%"),
    ])
    func `only what is used up is called so`(fraction: Double, text: String) {
        #expect(BudgetBar.percent(fraction) == text)
    }

    @Test(arguments: [("80%", 0.8), ("80", 0.8), ("0.8", 0.8), ("1", 1), ("100%", 1), ("0", 0)])
    func `a percentage may be written in several ways`(text: String, fraction: Double) {
        #expect(Percent(argument: text)?.fraction == fraction)
    }

    @Test(arguments: ["", "%", "-1", "101%", "nan", "much"])
    func `an invalid percentage is refused`(text: String) {
        #expect(Percent(argument: text) == nil)
    }
}
