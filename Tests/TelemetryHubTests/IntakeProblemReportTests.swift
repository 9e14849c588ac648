// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Testing
import Usage

@testable import TelemetryHub

/// The output of commands about telemetry that was not collected.
struct IntakeProblemReportTests {
    private static let now = Timestamp(iso8601: "2026-11-22T12:00:00.000Z") ?? Timestamp(nanoseconds: 0)

    private static func problems(_ times: [String]) throws -> [IntakeProblemDocument] {
        try times.enumerated().map { number, time in
            try Documents.read(
                Documents.problem("message \(number)", next: "step \(number)", lastSeenAt: time)
            )
        }
    }

    @Test func `doctor warns of each of the last day with its next step`() throws {
        let problems = try Self.problems(["2026-11-22T11:59:00.000Z", "2026-11-20T11:00:00.000Z"])
        let findings = IntakeProblemReport.findings(problems, now: Self.now)
        #expect(
            findings == [Finding(check: "intake", level: .warning, message: "message 0, last 1m ago", next: "step 0")]
        )
    }

    @Test func `doctor says that all is well when nothing was lost of late`() throws {
        let findings = IntakeProblemReport.findings(try Self.problems(["2026-11-20T11:00:00.000Z"]), now: Self.now)
        #expect(findings.map(\.level) == [.ok])
    }

    @Test func `of many problems only the newest are shown`() throws {
        let problems = try Self.problems([String](repeating: "2026-11-22T11:59:00.000Z", count: 12))
        let findings = IntakeProblemReport.findings(problems, now: Self.now)
        #expect(findings.count == 11)
        #expect(findings.last?.message == "2 more such problems")
        let text = IntakeProblemReport.text(problems, width: 80, style: .plain, now: Self.now)
        #expect(text?.hasSuffix("  and 2 more: GET /api/telemetry/quality\n") == true)
    }

    /// An empty document; `rest` are the members at its end.
    private static func quality(files: Int, lines: Int, _ rest: String) throws -> QualityReport {
        QualityReport(
            document: try Documents.read(
                """
                {"period":"custom","from":"a","to":"b","timezone":"UTC","calls":0,"oneWitness":0,"severalWitnesses":0,
                "weaklyJoined":0,"unpriced":0,"rollUpsNotCounted":0,"sources":[],"costs":[],"unexplainedTokens":0,
                "unreadableFiles":\(files),"skippedLines":\(lines),"unknownLines":{},\(rest)}
                """
            )
        )
    }

    @Test func `data quality lists files and what was not collected separately`() throws {
        let problem = Documents.problem("message 0", next: "step 0", lastSeenAt: "2026-11-22T11:59:00.000Z")
        let problems = #""problems":["file.jsonl: no access","message 0"],"intakeProblems":[\#(problem)]"#
        let report = try Self.quality(files: 1, lines: 2, problems)
        let text = report.text(width: 80, style: .plain, now: Self.now)
        #expect(text.contains("Could not be read\n  file.jsonl: no access\n  and 2 more\n"), "\(text)")
        #expect(text.hasSuffix("Not collected\n  message 0, last 1m ago\n    step 0\n"), "\(text)")
    }

    @Test func `data quality says what redaction dropped and how to keep it`() throws {
        let times = #""firstSeenAt":"t","lastSeenAt":"t""#
        let dropped = (0..<22).map { #"{"key":"key.\#($0)","count":\#(1_000 - $0),\#(times)}"# }.joined(separator: ",")
        let report = try Self.quality(files: 0, lines: 0, #""problems":[],"droppedTexts":[\#(dropped)]"#)
        let text = report.text(width: 80, style: .plain, now: Self.now)
        #expect(text.contains("key.0") && text.contains("1,000") && text.contains("key.19") && !text.contains("key.20"))
        #expect(
            text.hasSuffix("and 2 more keys\nTo keep one, name it under redaction.keep_attributes.\n"),
            "\(text)"
        )
    }
}
