// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Synchronization
import Testing
import Usage

@testable import TelemetryHub

struct LineAssemblerTests {
    @Test(arguments: [1, 2, 3, 100])
    func `lines are whole, however they come, and those of a refusal are none`(size: Int) {
        let bytes = Array("{\"a\":\"ä\"}\n\n{}\nrest".utf8)
        let lines = Mutex<[String]>([])
        var (answer, refusal) = (
            LineAssembler { line in lines.withLock { $0.append(line) } }, LineAssembler { _ in Issue.record("a line") }
        )
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = bytes[start..<min(bytes.count, start + size)]
            answer.add(piece, isAnswer: true)
            refusal.add(piece, isAnswer: false)
        }
        #expect(lines.withLock { $0 } == ["{\"a\":\"ä\"}", "", "{}"])
        #expect(answer.rest == "rest")
        #expect(refusal.rest == "{\"a\":\"ä\"}\n\n{}\nrest")
    }
}

struct StatusReportTests {
    private static let now = Timestamp(iso8601: "2026-11-22T09:05:00.000Z") ?? Timestamp(nanoseconds: 0)

    private static func report() throws -> StatusReport {
        let error = #"{"message":"the disk\tis full","time":"2026-11-22T09:00:00.000Z","count":3}"#
        let exporter = #""reason":"the disk is full","accepted":1200,"refused":0,"sent":1200,"failed":3,"dropped":0"#
        let receiver = #""reason":null,"accepted":1200,"refused":0,"sent":0,"failed":0,"dropped":0"#
        let components = [
            Documents.component("exporter", "sqlite", state: "degraded", exporter + #","lastError":\#(error)"#),
            Documents.component("receiver", "otlp", state: "ok", receiver),
        ]
        let document: PipelinesDocument = try Documents.read(
            """
            {"startedAt":"2026-11-22T08:00:00.000Z","uptimeSeconds":3700,"version":"0.1.0",
            "memory":{"usedBytes":1024,"limitBytes":268435456},"pipelines":[{"name":"logs","signal":"logs","receivers":["otlp"],
            "processors":["tokens"],"exporters":["sqlite"],
            "accepted":{"receivers":{"otlp":7},"processors":{"tokens":7},"exporters":{"sqlite":7}}}],
            "components":[\(components.joined(separator: ","))]}
            """
        )
        return StatusReport(document: document)
    }

    @Test func `pipelines say what passed in them, components what they did altogether`() throws {
        let lines = try Self.report().text(width: 80, style: .plain, now: Self.now).split(separator: "\n")
        #expect(
            lines == [
                "Telemetry Hub 0.1.0 · degraded · up 1h 01m", "Memory in flight  1 KiB of 256 MiB",
                "logs: otlp 7 → tokens → sqlite 7",
                "Component        State     Accepted  Refused   Sent  Failed  Dropped  Queued",
                "────────────────────────────────────────────────────────────────────────────",
                "otlp receiver    ok           1,200        0      –       0        0       –",
                "sqlite exporter  degraded     1,200        0  1,200       3        0       –",
                "sqlite: the disk is full",
                "sqlite: last error 2026-11-22T09:00:00.000Z, 3 in all: the disk is full",
            ]
        )
    }

    @Test func `limits that are nearly used are said at the end`() throws {
        var report = try Self.report()
        report.limits = ["codex 5h: 99% used, reset in 2h 00m"]
        let text = report.text(width: 80, style: .plain, now: Self.now)
        #expect(text.hasSuffix("\n\nLimits\n  codex 5h: 99% used, reset in 2h 00m\n"))
    }

    @Test func `empty columns are dropped first on a narrow terminal`() throws {
        let lines = try Self.report().text(width: 60, style: .plain, now: Self.now).split(separator: "\n")
        #expect(lines.contains("Component        State     Accepted  Refused   Sent  Failed"))
    }

    @Test func `telemetry that was not collected is shown with its next step`() throws {
        var document = try Self.report().document
        let message = "12 requests to /x\t by ua were refused with 404: nothing is answered here"
        document.intakeProblems = [
            try Documents.read(
                Documents.problem(message, next: "correct the address", lastSeenAt: "2026-11-22T09:00:00.000Z")
            )
        ]
        let text = StatusReport(document: document).text(width: 60, style: .plain, now: Self.now)
        let expected = """
            Not collected
              12 requests to /x by ua were refused with 404: nothing
                is answered here, last 5m ago
                correct the address

            """
        #expect(text.hasSuffix(expected), "\(text)")
    }

    @Test func `programs get a line for each component`() throws {
        let rows = try Self.report().programTable.tabbed(header: false)
        #expect(
            rows == "receiver\totlp\tok\t1200\t0\t0\t0\t0\t\t\t\t\n"
                + "exporter\tsqlite\tdegraded\t1200\t0\t1200\t3\t0\t\t\tthe disk is full\tthe disk is full\n"
        )
    }
}
