// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage

@Suite struct PriceRateTests {
    @Test(arguments: [
        ("0", 0), ("3", 3_000_000_000_000), ("0.0025", 2_500_000_000), ("0.03285714286", 32_857_142_860),
        ("1e-3", 1_000_000_000),
        ("12.5", 12_500_000_000_000), ("2.5E1", 25_000_000_000_000), ("1e+2", 100_000_000_000_000),
        ("0.0000000000005", 0),
        ("0.0000000000015", 2), ("0.00000000000050000000000000000000000000001", 1),
        ("1000000", 1_000_000_000_000_000_000),
    ])
    func `dollars per million are read without a binary fraction`(text: String, units: Int64) {
        #expect(Rate(perMillion: text)?.attodollarsPerToken == units)
    }

    @Test(arguments: [
        ("3e-06", "3"), ("1.2000000000000002e-07", "0.12"), ("0.0", "0"), ("2.5e-09", "0.0025"), ("0.000015", "15"),
    ])
    func `dollars per token are read in LiteLLM's spelling`(text: String, perMillion: String) {
        #expect(Rate(perToken: text)?.perMillion == perMillion)
    }

    @Test(arguments: [
        "", "-1", "+1", ".", ".5", "1e", "1e-", "e5", "1.2.3", "1,5", "0x10", "nan", "inf", "1000001", "1e400",
        "1e9999999999", " 1", "1 ",
        String(repeating: "9", count: 500),
    ])
    func `an invalid rate is refused`(text: String) {
        #expect(Rate(perMillion: text) == nil)
    }

    @Test(arguments: ["0", "3", "0.0025", "0.03285714286", "12.5", "0.000000000001", "1000000"])
    func `a rate is written as it was read`(text: String) {
        #expect(Rate(perMillion: text)?.perMillion == text)
    }

    @Test(arguments: [(5, 2, 2), (7, 2, 4), (15, 10, 2), (25, 10, 2), (26, 10, 3), (24, 10, 2), (0, 7, 0)])
    func `division rounds half to even`(dividend: Int, divisor: Int, quotient: Int) {
        #expect(Int128(dividend).dividedHalfToEven(by: Int128(divisor)) == Int128(quotient))
    }

    @Test(arguments: [("1.1", 1100), ("2", 2000), ("0.5", 500), ("1.0155", 1016), ("1000", 1_000_000)])
    func `a factor has three decimals`(text: String, thousandths: Int64) {
        #expect(PriceFactor(text)?.thousandths == thousandths)
        #expect(PriceFactor("1000.1") == nil)
    }

    @Test(arguments: [
        "1970-01-01", "2000-02-29", "2026-03-13", "2026-08-21T19:34:00Z", "2261-12-31", "2026-11-22T23:59:59Z",
    ])
    func `a date is written as it was read`(text: String) {
        #expect(PriceDate.parse(text).map(PriceDate.text) == text)
    }

    @Test func `dates are counted from 1970`() {
        #expect(PriceDate.parse("2026-07-30") == Timestamp(nanoseconds: 1_785_369_600_000_000_000))
        #expect(PriceDate.parse("2026-03-13") == Timestamp(nanoseconds: 1_773_360_000_000_000_000))
    }

    @Test(arguments: [
        "2026-02-29", "2026-13-01", "2026-1-1", "1969-12-31", "2262-01-01", "2026-11-22T24:00:00Z",
        "2026-11-22 10:00:00Z", "", "-",
    ])
    func `an invalid date is refused`(text: String) {
        #expect(PriceDate.parse(text) == nil)
    }
}
