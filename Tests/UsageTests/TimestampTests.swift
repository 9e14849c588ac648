// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

/// Instants as text.
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
    ])
    func `anything else is not`(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test func `writing and reading agree over the centuries`() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2_000 {
            let time = Timestamp(nanoseconds: Int64.random(in: 0..<9_000_000_000_000, using: &random) * 1_000_000)
            #expect(Timestamp(iso8601: time.iso8601) == time)
        }
    }
}
