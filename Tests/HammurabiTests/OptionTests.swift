// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CollectorKit
import Testing
import Usage

@testable import hammurabi

struct CommandFailureTests {
    @Test(arguments: [
        (400, Int32(64)), (401, 77), (403, 77), (404, 66), (429, 69), (503, 69), (500, 70), (302, 70),
    ])
    func `a refusal of a collector has its exit code`(status: Int, exitCode: Int32) {
        let failure = CommandFailure(
            status: status,
            body: #"{"error":"no","status":0}"#,
            collector: .init(host: "127.0.0.1", port: 4_318)
        )
        #expect(failure.exitCode == exitCode)
        #expect(failure.json.hasPrefix(#"{"error":{"code":""#))
        #expect(Exit.meanings.contains { $0.code == exitCode })
    }

    @Test func `a store that cannot answer is a fault of files`() {
        #expect(CommandFailure(status: 503, body: "", collector: nil).exitCode == Exit.inputOutput)
    }

    @Test func `a missing key is explained with the next step`() {
        let failure = CommandFailure(status: 401, body: "", collector: .init(host: "127.0.0.1", port: 4_318))
        #expect(
            failure.text == """
                hammurabi: the collector at 127.0.0.1:4318 wants an API key, or does not know this one
                  help: put the key into HAMMURABI_API_KEY or give it with --api-key-stdin

                """
        )
        #expect(
            failure.json == """
                {"error":{"code":"key-required","kind":"permission","location":null,"message":"the collector at 127.0.0.1:4318 \
                wants an API key, or does not know this one","suggestion":"put the key into HAMMURABI_API_KEY or give it with \
                --api-key-stdin"}}

                """
        )
    }

    @Test func `an answer that is none is bad data, and what nobody foresaw an internal error`() {
        struct Unforeseen: Error {}
        #expect(CommandFailure(Unforeseen()).exitCode == 70)
        do {
            let _: SummaryDocument = try Documents.read("{}")
            Issue.record("an empty object is no summary")
        } catch {
            #expect(CommandFailure(error).exitCode == 65)
        }
    }

    @Test func `a key is one word and never a header field`() throws {
        let options = try OutputOptions.parse([])
        #expect(try options.key(["HAMMURABI_API_KEY": " hk_abc\n"]) == "hk_abc")
        #expect(try options.key([:]) == nil)
        #expect(try options.key(["HAMMURABI_API_KEY": ""]) == nil)
        #expect(throws: CommandFailure.self) { try options.key(["HAMMURABI_API_KEY": "a\r\nHost: b"]) }
    }
}

struct PeriodOptionsTests {
    private static let now = Timestamp(iso8601: "2026-11-22T23:30:00Z") ?? Timestamp(nanoseconds: 0)

    @Test(arguments: [
        ([], "2026-11-01", "2026-11-30"), (["--since", "2026-11-20"], "2026-11-20", "2026-11-22"),
        (["--since", "20261101", "--until", "20261102"], "2026-11-01", "2026-11-02"),
        (["--from", "2026-11-01", "--to", "2026-11-02"], "2026-11-01", "2026-11-02"),
        (["--since", "2026-11-20", "--timezone", "Europe/Berlin"], "2026-11-20", "2026-11-23"),
    ])
    func `days are named by a period or by the first and the last`(arguments: [String], from: String, to: String) throws
    {
        let period = try PeriodOptions.parse(arguments).resolved(in: "UTC", now: Self.now)
        #expect(period.from == from)
        #expect(period.to == to)
    }

    @Test(arguments: [["--until", "2026-11-01"], ["--since", "soon"], ["--since", "2026-11-01", "--period", "7d"]])
    func `what names no days is refused`(arguments: [String]) throws {
        #expect(throws: (any Error).self) { try PeriodOptions.parse(arguments).resolved(in: "UTC", now: Self.now) }
    }
}
