// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import HubExtension
import Testing
import Usage
import YAML

@Suite struct CompactionTests {
    @Test(arguments: [
        ("", "90", "2026-08-24T12:00:00.000Z"), ("{}", "90", "2026-08-24T12:00:00.000Z"),
        (#"{"retentionDays":null}"#, "90", "2026-08-24T12:00:00.000Z"),
        (#" { "retentionDays" : 1 } "#, "1", "2026-11-21T12:00:00.000Z"),
        (#"{"retentionDays":36500}"#, "36500", "1970-01-01T00:00:00.000Z"),
    ])
    func `data older than the retention is removed`(body: String, days: String, border: String) async throws {
        let bench = try await Bench()
        let answer = try await bench.compact(body)
        #expect(answer.status == 200)
        #expect(answer.text == #"{"ok":true,"retentionDays":\#(days),"removed":1234}"#)
        #expect(bench.store.asked.borders.map(\.iso8601) == [border])
    }

    @Test func `the configured retention need not be whole days`() async throws {
        let bench = try await Bench { $0.retention = ConfigDuration(seconds: 36 * 3_600) }
        #expect(try await bench.compact("").text == #"{"ok":true,"retentionDays":1.5,"removed":1234}"#)
        #expect(bench.store.asked.borders.map(\.iso8601) == ["2026-11-21T00:00:00.000Z"])
    }

    @Test(arguments: [
        #"{"retentionDays":0}"#, #"{"retentionDays":-1}"#, #"{"retentionDays":36501}"#, #"{"retentionDays":1.5}"#,
        #"{"retentionDays":"9"}"#,
        #"{"retentionDays":1e99}"#, #"{"retention_days":365}"#, "90", "[", "null", "\u{0}",
    ])
    func `a body that may be misunderstood removes nothing`(body: String) async throws {
        let bench = try await Bench()
        let answer = try await bench.compact(body)
        #expect(answer.status == 400)
        #expect(answer.text.contains("whole number from 1 to 36500"))
        #expect(bench.store.asked.borders.isEmpty)
    }

    @Test func `a long body is refused`() async throws {
        let bench = try await Bench()
        #expect(try await bench.compact(String(repeating: " ", count: 70_000)).status == 413)
        #expect(try await bench.compact(String(repeating: "[", count: 60_000)).status == 400)
        #expect(bench.store.asked.borders.isEmpty)
    }
}
