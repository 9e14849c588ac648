// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// Timestamps as text.
struct TimestampTests {
    @Test(arguments: [
        ("2026-11-22T08:13:37.999Z", Int64(1_795_335_217_999_000_000)),
        ("2026-11-22T09:13:37.999+01:00", 1_795_335_217_999_000_000),
        ("1970-01-01T00:00:00Z", 0), ("2024-02-29 23:59:59.123456789Z", 1_709_251_199_123_456_789),
        ("2000-03-01T00:00:00-00:30", 951_870_600_000_000_000),
    ])
    func `ISO 8601 is understood`(text: String, nanoseconds: Int64) {
        #expect(Timestamp(iso8601: text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        "", "2026-11-22", "2026-11-22T08:13:37", "2026-13-22T08:13:37Z", "2026-11-22T25:13:37Z", "1969-12-31T23:59:59Z",
        "2026-11-22T08:13:37.Z", "2026-11-22T08:13:37.1234567890Z", "2026-11-22T08:13:37Zx", "٢٠٢٦-11-22T08:13:37Z",
        "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2262-01-01T00:00:00Z", "2261-12-31T23:59:59-01:00",
    ])
    func `anything else is not`(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test(arguments: [
        (Int64.min, "1970-01-02T00:00:00.000Z"), (-1, "1970-01-02T00:00:00.000Z"), (0, "1970-01-02T00:00:00.000Z"),
        (86_401, "1970-01-02T00:00:01.000Z"), (1_795_335_217, "2026-11-22T08:13:37.000Z"),
        (9_223_372_036, "2261-12-30T23:59:59.999Z"), (.max, "2261-12-30T23:59:59.999Z"),
    ])
    func `a clock that is wrong by centuries shows a day that can be counted with`(seconds: Int64, text: String) throws
    {
        let time = Timestamp(clockSeconds: seconds, nanoseconds: 0)
        #expect(time.iso8601 == text)
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            for name in [nil, "today", "7d", "90d"] {
                let period = try Period(name, timezone: zone, now: time)
                #expect(period.start <= time && time < period.end, "\(zone) \(name ?? "month")")
            }
        }
    }

    @Test func `no instant from outside is later than 2261, and one before 1970 has its date`() {
        let last = UInt64(Timestamp.latest.nanoseconds)
        #expect(Timestamp(unixNano: last)?.iso8601 == "2261-12-31T23:59:59.999Z")
        #expect(Timestamp(unixNano: last + 1) == nil && Timestamp(unixNano: .max) == nil)
        #expect(Timestamp(milliseconds: Timestamp.latest.milliseconds + 1) == nil)
        #expect(Timestamp(nanoseconds: -863_000_000).iso8601 == "1969-12-31T23:59:59.137Z")
    }

    @Test func `writing and reading agree over the centuries`() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2_000 {
            let time = Timestamp(nanoseconds: Int64.random(in: 0..<9_000_000_000_000, using: &random) * 1_000_000)
            #expect(Timestamp(iso8601: time.iso8601) == time)
        }
    }
}
