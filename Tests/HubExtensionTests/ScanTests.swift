// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing

/// A scan requested over HTTP.
struct ScanTests {
    @Test func `one answer reports what all scanners read`() async throws {
        var first = ScanReport()
        (first.scanned, first.ingested, first.skipped, first.durationMilliseconds) = (10, 300, 7, 80)
        (first.calls, first.files) = (310, ["codex": 2])
        first.note(ScanProblem(path: "/s/a.jsonl", line: 3, message: "no JSON"))
        var second = ScanReport()
        (second.scanned, second.ingested, second.durationMilliseconds) = (2, 40, 5)
        (second.calls, second.files) = (50, ["codex": 1, "amp": 4])
        first.note(unknownType: "hologram", UnknownLines(first: "/s/a.jsonl:5"))
        second.note(unknownType: "hologram", UnknownLines(count: 2, first: "/s/b.jsonl:1"))
        second.note(ScanProblem(path: "/s/b.jsonl", line: nil, message: "permission denied"))
        let bench = try await Bench(scanners: [
            FakeScanner(result: .success(first)), FakeScanner(result: .success(second)),
        ])
        let answer = try await bench.scan()
        #expect(answer.status == 200)
        #expect(
            answer.text
                == #"{"ok":true,"scanned":12,"ingested":340,"skipped":7,"durationMs":85,"calls":360,"files":{"amp":4,"codex":3},"unreadableFiles":1,"#
                + #""skippedLines":1,"unknownLines":{"hologram":{"lines":3,"first":"/s/a.jsonl:5"}},"#
                + #""problems":["/s/a.jsonl:3: no JSON","/s/b.jsonl: permission denied"]}"#
        )
    }

    @Test func `problems of session files are part of the data quality`() async throws {
        var faults = ScanReport()
        faults.note(ScanProblem(path: "/s/a.jsonl", line: 3, message: "no JSON"))
        faults.note(unknownType: "hologram", UnknownLines(count: 2, first: "/s/a.jsonl:5"))
        let bench = try await Bench(scanners: [FakeScanner(result: .success(faults))])
        let answer = try await bench.get("/api/telemetry/quality")
        #expect(answer.status == 200)
        #expect(
            answer.text.contains(
                #""unreadableFiles":0,"skippedLines":1,"unexplainedTokens":0,"#
                    + #""unknownLines":{"hologram":{"lines":2,"first":"/s/a.jsonl:5"}},"problems":["/s/a.jsonl:3: no JSON"]"#
            )
        )
    }

    @Test func `without a scanner the answer says what is missing`() async throws {
        let answer = try await Bench().scan()
        #expect(answer.status == 503)
        #expect(answer.text.contains("add agent_sessions"))
    }

    @Test func `a store that takes nothing now makes the scan fail for now`() async throws {
        let answer = try await Bench(scanners: [FakeScanner(result: .failure(.retryable("the disk is full")))]).scan()
        #expect(answer.status == 503)
        #expect(answer.text.contains("the disk is full"))
    }
}

private struct FakeScanner: SessionScanner {
    let result: Result<ScanReport, ConsumeError>

    var standingFaults: ScanReport? { try? result.get() }

    func scan(progress: (@Sendable (ScanProgress) -> Void)?) async throws(ConsumeError) -> ScanReport {
        try result.get()
    }
}
