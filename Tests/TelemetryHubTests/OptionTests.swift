// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Testing
import Usage

@testable import TelemetryHub

struct CommandFailureTests {
    @Test(arguments: [
        (400, Int32(64)), (401, 77), (403, 77), (404, 66), (429, 69), (503, 69), (500, 70), (302, 70),
    ])
    func `a refusal of a collector has its exit code`(status: Int, exitCode: Int32) {
        let failure = CommandFailure(
            status: status,
            body: #"{"error":"no","status":0}"#,
            collector: "127.0.0.1:4318"
        )
        #expect(failure.exitCode == exitCode)
        #expect(failure.json.hasPrefix(#"{"error":{"code":""#))
        #expect(Exit.meanings.contains { $0.code == exitCode })
    }

    @Test func `a store that cannot answer is a fault of files`() {
        #expect(CommandFailure(status: 503, body: "", collector: nil).exitCode == Exit.inputOutput)
    }

    @Test func `a missing key is explained with the next step`() {
        let failure = CommandFailure(status: 401, body: "", collector: "127.0.0.1:4318")
        #expect(
            failure.text == """
                hammurabi: the collector at 127.0.0.1:4318 needs an API key, or does not know this one
                  help: put a key into HAMMURABI_API_KEY, or give one with --api-key-stdin; `hammurabi keys create` makes one where the collector runs

                """
        )
        #expect(
            failure.json == """
                {"error":{"code":"key-required","kind":"permission","location":null,"message":"the collector at 127.0.0.1:4318 \
                needs an API key, or does not know this one","suggestion":"put a key into HAMMURABI_API_KEY, or give one with \
                --api-key-stdin; `hammurabi keys create` makes one where the collector runs"}}

                """
        )
    }

    @Test func `an unreadable answer is bad data, and an unexpected error an internal error`() {
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
        var options = OutputOptions()
        options.apiKeyStdin = false
        #expect(try options.key(["HAMMURABI_API_KEY": " hk_abc\n"]) == "hk_abc")
        #expect(try options.key([:]) == nil)
        #expect(try options.key(["HAMMURABI_API_KEY": ""]) == nil)
        #expect(throws: CommandFailure.self) { try options.key(["HAMMURABI_API_KEY": "a\r\nHost: b"]) }
    }
}

struct PeriodOptionsTests {
    private static let now = Timestamp(iso8601: "2026-11-22T23:30:00Z") ?? Timestamp(nanoseconds: 0)

    private func resolved(_ since: String?, _ until: String?, period: String? = nil, _ timezone: String? = nil) throws
        -> Period
    {
        var options = PeriodOptions()
        (options.since, options.until, options.period, options.timezone) = (since, until, period, timezone)
        return try options.resolved(in: "UTC", now: Self.now)
    }

    @Test(
        arguments: [
            (nil, nil, nil, "2026-11-01", "2026-11-30"), ("2026-11-20", nil, nil, "2026-11-20", "2026-11-22"),
            ("20261101", "20261102", nil, "2026-11-01", "2026-11-02"),
            // Without a first day the longest period.
            (nil, "20261101", nil, "2016-09-15", "2026-11-01"), (nil, "1975-03-01", nil, "1970-01-02", "1975-03-01"),
            ("2026-11-20", nil, "Europe/Berlin", "2026-11-20", "2026-11-23"),
        ] as [(String?, String?, String?, String, String)]
    )
    func `days are named by the first and the last`(
        since: String?,
        until: String?,
        timezone: String?,
        from: String,
        to: String
    ) throws {
        let period = try resolved(since, until, timezone)
        #expect(period.from == from)
        #expect(period.to == to)
    }

    @Test(
        arguments: [(nil, "2026-11-01", "7d"), (nil, "soon", nil), ("soon", nil, nil), ("2026-11-01", nil, "7d")]
            as [(String?, String?, String?)]
    )
    func `a period without valid days is refused`(since: String?, until: String?, period: String?) {
        #expect(throws: (any Error).self) { try resolved(since, until, period: period) }
    }
}
