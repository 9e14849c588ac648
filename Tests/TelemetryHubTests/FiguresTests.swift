// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

@testable import TelemetryHub

struct FiguresTests {
    @Test(arguments: [
        (Int64(0), "$0.00"), (1, "<$0.01"), (4_999_999, "<$0.01"), (5_000_000, "$0.01"), (14_999_999, "$0.01"),
        (18_737_400, "$0.02"), (994_999_999, "$0.99"), (995_000_000, "$1.00"), (999_999_999, "$1.00"),
        (1_000_000_000, "$1.00"),
        (1_234_567_890_000, "$1,234.57"), (1_994_999_999, "$1.99"), (1_995_000_000, "$2.00"),
        (2_000_000_000_000_000_000, "$2,000,000,000.00"), (.max, "$9,223,372,036.85"),
    ])
    func `money has two decimals`(nanodollars: Int64, text: String) {
        #expect(Figures.money(Money(nanodollars: nanodollars)) == text)
    }

    @Test(arguments: [
        (Int64(0), "$0.00"), (1, "<$0.0001"), (99_999, "<$0.0001"), (100_000, "$0.0001"), (150_000, "$0.0002"),
        (18_737_400, "$0.0187"), (999_949_999, "$0.9999"), (999_950_000, "$1.00"), (1_994_999_999, "$1.99"),
    ])
    func `what a call cost has four decimals below a dollar`(nanodollars: Int64, text: String) {
        #expect(Figures.callMoney(Money(nanodollars: nanodollars)) == text)
    }

    @Test func `a session that is over has ended, however its end is known`() {
        #expect(
            ["active", "idle", "stale", "completed"].map(Figures.sessionState) == ["active", "idle", "ended", "ended"]
        )
    }

    @Test(arguments: [
        (Int64(0), "0"), (999, "999"), (1_000, "1,000"), (999_999, "999,999"), (1_000_000, "1.00M"),
        (1_239_999, "1.24M"), (12_340_000, "12.3M"), (99_960_000, "100M"), (999_400_000, "999M"),
        (999_999_999, "1.00B"), (1_000_000_000, "1.00B"), (12_345_678_900_000, "12.3T"), (.max, "9,223,372T"),
    ])
    func `tokens are written out below a million, and then have three digits`(count: Int64, text: String) {
        #expect(Figures.tokens(count) == text)
    }

    @Test(arguments: [(Int64(7), "7"), (1_234, "1,234"), (-1_234, "-1,234"), (-123, "-123"), (1_234_567, "1,234,567")])
    func `a comma separates every three digits`(number: Int64, text: String) {
        #expect(Figures.grouped(number) == text)
    }

    @Test(arguments: [
        (Int64(-5), "0s"), (0, "0s"), (420, "420ms"), (4_299, "4.2s"), (59_999, "59s"), (60_000, "1m"),
        (3_599_000, "59m"), (11_100_000, "3h 05m"),
        (187_200_000, "2d 4h"),
    ])
    func `a duration is shown in its largest units`(milliseconds: Int64, text: String) {
        #expect(Figures.duration(milliseconds: milliseconds) == text)
    }

    @Test(arguments: [
        (Int64(0), "0"), (1, "0.000000001"), (18_737_400, "0.0187374"), (2_000_000_000, "2"), (12_500_000_000, "12.5"),
    ])
    func `programs get every decimal that matters`(nanodollars: Int64, text: String) {
        #expect(Figures.exact(Money(nanodollars: nanodollars)) == text)
    }
}
