// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HubExtension
import Testing
import Usage

/// `GET /api/telemetry/calls/{id}` and the budgets of a month.
struct CallDetailTests {
    private static func detail() throws -> CallDetail {
        let time = try instant("2026-11-22T11:30:00.000Z")
        var log = Observation(id: 1, time: time, source: .otlpLog, emitter: 1, priority: 90)
        (log.counts, log.model, log.user) = (TokenCounts(uncachedInput: 10, output: 2), "m", "u-1")
        (log.reportedCost, log.duration) = (Money(nanodollars: 5_000_000), 2_000_000_000)
        var line = Observation(id: 2, time: time, source: .transcript, emitter: 2, priority: 100)
        (line.counts, line.project) = (TokenCounts(uncachedInput: 12, output: 2), "/home/a/hub")
        var call = Call(id: 0xAB, time: time, counts: line.counts)
        call.sources = [.otlpLog, .transcript]
        call.price = CallPrice(cost: Money(nanodollars: 7), isPriced: true, computed: Money(nanodollars: 7))
        var detail = CallDetail(session: "s-1", call: call, observations: [log, line], keepsRecords: true)
        let long = Array(repeating: UInt8(ascii: "x"), count: CallRecord.maximumSize + 1)
        detail.records = [
            CallRecord(time: time, name: "api_request", observations: [1], text: Array("{}".utf8)),
            CallRecord(time: time, name: "long", observations: [1], text: long),
        ]
        return detail
    }

    @Test func `a call has its observations, the source of each figure, and its records`() async throws {
        let bench = try await Bench { $0.users = ["u-1": "Ada"] }
        let detail = try Self.detail()
        bench.store.prepare { state in
            state.calls = [detail.call]
            state.callDetails["s-1"] = detail
            state.names = [.project: ["/home/a/hub"]]
        }
        let answer = try await bench.get(
            "/api/telemetry/calls/00000000000000ab?session=s-1",
            ["id": "00000000000000ab"]
        )
        #expect(answer.status == 200)
        // The transcript has the higher priority and comes first.
        #expect(answer.text.contains(#""observations":[{"source":"transcript","#))
        #expect(
            answer.text.contains(
                #""figures":{"timestamp":0,"tokens":0,"reportedCost":1,"duration":1,"model":1,"user":1,"project":0}"#
            ),
            "\(answer.text)"
        )
        #expect(answer.text.contains(#""user":"Ada""#) && answer.text.contains(#""project":"hub""#))
        #expect(answer.text.contains(#""name":"api_request","observations":[1],"otlp":"{}","size":2"#))
        #expect(answer.text.contains(#""name":"long","observations":[1],"otlp":null,"size":65537"#))
    }

    @Test(arguments: [
        ("00000000000000ac", "s-1", 404, "this session has no call with this id"),
        ("00000000000000ab", "s-2", 404, "this session has no call with this id"),
        ("xyz", "s-1", 400, "sixteen hexadecimal digits"), ("00000000000000ab", "", 400, "session must be the id"),
    ])
    func `what names no call is refused with what to write`(id: String, session: String, status: Int, text: String)
        async throws
    {
        let bench = try await Bench()
        let detail = try Self.detail()
        bench.store.prepare { $0.callDetails["s-1"] = detail }
        let answer = try await bench.get("/api/telemetry/calls/\(id)?session=\(session)", ["id": id])
        #expect(answer.status == status)
        #expect(answer.text.contains(text))
    }

    // MARK: - Budgets of a month

    @Test func `budgets of a month are those of months, with what each day took`() async throws {
        let bench = try await Bench {
            $0.budget.monthly = 2
            var week = BudgetConfig()
            (week.name, week.period, week.dollars) = ("week", .week, 1)
            $0.budgets = [week]
        }
        try bench.store.prepareCalls()
        let answer = try await bench.get("/api/telemetry/budgets?month=2026-11")
        #expect(answer.status == 200)
        #expect(answer.text.contains(#""from":"2026-11-01","to":"2026-11-30""#) && !answer.text.contains("week"))
        #expect(answer.text.contains(#""spent":1.5"#))
        #expect(answer.text.contains(#"{"date":"2026-11-21","spent":0.5},{"date":"2026-11-22","spent":1}"#))
        let before = try await bench.get("/api/telemetry/budgets?month=2026-10")
        #expect(before.text.contains(#""spent":0"#) && before.text.contains(#""evenPace":2"#))
        #expect(try await bench.get("/api/telemetry/budgets").text.contains("week"))
    }

    @Test(arguments: ["2026-13", "30d", "today", "2026-1", "nov", "1969-12"])
    func `another text than a month is refused with how one is written`(text: String) async throws {
        let answer = try await Bench().get("/api/telemetry/budgets?month=\(text)")
        #expect(answer.status == 400)
        #expect(answer.text.contains("no month \\\"\(text)\\\": use YYYY-MM, such as 2026-11"))
    }

    @Test func `a time zone goes with a month`() async throws {
        let bench = try await Bench { $0.budget.monthly = 2 }
        let kiritimati = "/api/telemetry/budgets?month=2026-11&timezone=Pacific/Kiritimati"
        #expect(try await bench.get(kiritimati).text.hasPrefix(#"{"timezone":"Pacific/Kiritimati""#))
        #expect(try await bench.get("/api/telemetry/budgets?timezone=UTC").status == 400)
        #expect(try await bench.get("/api/telemetry/budgets?month=2026-11&timezone=Nowhere").status == 400)
    }
}
