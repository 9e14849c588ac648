// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

@testable import UsageDatabase

/// The sums of a day in one value.
struct PackedDayTests {
    private static let day: Int64 = 20_000

    private static func row(_ quarter: Int64, _ session: Int32, _ figure: Int64) -> SummaryMemory.Sums {
        var totals = UsageTotals()
        (totals.calls, totals.unpricedCalls) = (min(figure, 1 << 40), 0)
        totals.counts = TokenCounts(uncachedInput: figure, cacheRead: 1, output: figure, reasoning: 127)
        totals.counts.cacheWrite1h = 128
        totals.cost = Money(nanodollars: figure)
        return SummaryMemory.Sums(
            quarter: Int32(day * 96 + quarter),
            session: session,
            model: 3,
            totals: totals
        )
    }

    private static let rows = [row(0, 1, 0), row(95, .max, .max), row(7, 2, 300)]

    private static func text(_ rows: [SummaryMemory.Sums]?) -> [String]? {
        rows?.map { "\($0.quarter) \($0.session) \($0.model) \($0.totals.figures)" }
    }

    @Test func `sums come back as they were`() throws {
        let bytes = try #require(PackedDay.bytes(Self.rows, ofDay: Self.day))
        #expect(Self.text(PackedDay.sums(bytes, ofDay: Self.day)) == Self.text(Self.rows))
        #expect(PackedDay.sums(try #require(PackedDay.bytes([], ofDay: Self.day)), ofDay: Self.day)?.count == 0)
    }

    @Test func `what is damaged is not read, and damaged sums are not packed`() throws {
        let bytes = try #require(PackedDay.bytes(Self.rows, ofDay: Self.day))
        for end in 0..<bytes.count {
            let sums = PackedDay.sums(Array(bytes[..<end]), ofDay: Self.day)
            #expect(sums == nil || sums?.count ?? 0 < Self.rows.count, "\(end)")
        }
        #expect(PackedDay.sums([2] + bytes.dropFirst(), ofDay: Self.day) == nil)
        #expect(PackedDay.sums([1, 96, 1, 1] + [UInt8](repeating: 0, count: 9), ofDay: Self.day) == nil)
        var negative = Self.rows
        negative[0].totals.cost = Money(nanodollars: -1)
        #expect(PackedDay.bytes(negative, ofDay: Self.day) == nil)
        #expect(PackedDay.bytes(Self.rows, ofDay: Self.day + 1) == nil)
    }
}
