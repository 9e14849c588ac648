// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import HubExtension
import Testing
import Usage

@Suite struct QuestionTests {
    @Test func `without parameters the newest hundred sessions are asked for`() async throws {
        let bench = try await Bench()
        _ = try await bench.get("/api/telemetry/sessions?status=&agent=&model=&project=&q=&sort=&order=&limit=&cursor=")
        #expect(bench.store.asked.queries == [SessionQuery(now: bench.clock.now)])
    }

    @Test func `every parameter reaches the store`() async throws {
        let bench = try await Bench()
        let path =
            "/api/telemetry/sessions?status=idle&agent=claude-code&model=m%2F1&project=a+b&project=c&user=unknown&period=7d&timezone=Europe/Berlin&q=%C3%A4&sort=cost&order=asc&limit=1000"
        #expect(try await bench.get(path).status == 200)
        var expected = SessionQuery(now: bench.clock.now)
        expected.status = .idle
        (expected.filter[.agent], expected.filter[.model]) = (["claude-code"], ["m/1"])
        (expected.filter[.project], expected.filter[.user]) = (["a b", "c"], ["unknown", ""])
        expected.period = try Period("7d", timezone: "Europe/Berlin", now: bench.clock.now)
        (expected.text, expected.sort, expected.descending, expected.limit) = ("ä", .cost, false, 1_000)
        #expect(bench.store.asked.queries == [expected])
    }

    @Test func `a cursor leads to the next page`() async throws {
        let bench = try await Bench()
        let place = SessionQuery.Place(number: 12, name: "a \u{1F}/ü", id: "s-\u{0}1")
        bench.store.prepare { $0.page = SessionPage(sessions: [], total: 300, next: place) }
        let text = try await bench.get("/api/telemetry/sessions?limit=200").text
        let cursor = try #require(text.split(separator: "\"nextCursor\":\"").last?.prefix { $0 != "\"" })
        _ = try await bench.get("/api/telemetry/sessions?limit=200&cursor=\(cursor)")
        #expect(bench.store.asked.queries.map(\.after) == [nil, place])
        #expect(try await bench.get("/api/telemetry/sessions?sort=cost&cursor=\(cursor)").status == 400)
    }

    @Test(arguments: [
        ("status=alive", "status must be one of active, idle, stale, completed"),
        (
            "sort=size",
            "sort must be one of lastSeenAt, startedAt, cost, totalTokens, calls, durationMs, name, inputTokens, outputTokens"
        ),
        ("order=up", "order must be one of asc, desc"),
        ("limit=0", "limit must be a whole number from 1 to 1000"),
        ("limit=1001", "limit must be a whole number from 1 to 1000"),
        ("limit=99999999999999999999", "limit must be a whole number from 1 to 1000"),
        ("cursor=x", "cursor must be the nextCursor of an earlier answer with the same sort"),
        ("cursor=c-1", "cursor must be the nextCursor of an earlier answer with the same sort"),
        ("cursor=bGFzdFNlZW5BdAAx", "cursor must be the nextCursor of an earlier answer with the same sort"),
    ])
    func `a value that is not known is refused with those that are`(parameter: String, message: String) async throws {
        let bench = try await Bench()
        let answer = try await bench.get("/api/telemetry/sessions?\(parameter)")
        #expect(answer.status == 400)
        #expect(answer.text == "{\"error\":\"\(message)\",\"status\":400}")
        #expect(bench.store.asked.queries.isEmpty)
    }

    @Test func `an unknown session is not found`() async throws {
        let answer = try await Bench().get("/api/telemetry/sessions/x", ["id": "x"])
        #expect(answer.status == 404)
        #expect(answer.text == #"{"error":"no session with this id is known","status":404}"#)
        #expect(answer.fields[.cacheControl] == "no-store")
    }

    @Test(arguments: [
        ("", "2026-11 2026-11-01 2026-11-30 Europe/Berlin"),
        ("?period=7d&timezone=UTC", "7d 2026-11-16 2026-11-22 UTC"),
        ("?period=month:2026-02&timezone=", "2026-02 2026-02-01 2026-02-28 Europe/Berlin"),
        ("?from=2026-01-01&to=2026-01-03&period=", "custom 2026-01-01 2026-01-03 Europe/Berlin"),
    ])
    func `a period is that of the hub's time zone unless the question names one`(query: String, expected: String)
        async throws
    {
        let bench = try await Bench { $0.timezone = "Europe/Berlin" }
        #expect(try await bench.get("/api/telemetry/summary\(query)").status == 200)
        #expect(bench.store.asked.periods.map { "\($0.name) \($0.from) \($0.to) \($0.timezone)" } == [expected])
    }

    @Test(arguments: [
        "period=soon", "period=0d", "timezone=Mars", "from=2026-01-01", "from=2026-02-30&to=2026-03-01",
        "period=7d&from=2026-01-01&to=2026-01-02",
    ])
    func `an invalid period is refused`(query: String) async throws {
        let bench = try await Bench()
        let answer = try await bench.get("/api/telemetry/summary?\(query)")
        #expect(answer.status == 400)
        #expect(answer.text.hasPrefix(#"{"error":""#))
        #expect(bench.store.asked.periods.isEmpty)
    }

    @Test func `health has the version and the time since the start, whatever the clock is set to`() async throws {
        var status = CollectorStatus()
        status.uptimeSeconds = 90
        let bench = try await Bench(parts: CollectorParts(status: { [status] in status }))
        for time in ["2026-11-22T12:01:30.900Z", "2026-11-22T11:00:00.000Z", "2261-12-30T00:00:00.000Z"] {
            try bench.clock.set(time)
            let answer = try await bench.get("/api/health")
            #expect(answer.text == #"{"status":"ok","version":"1.2.3","uptimeSeconds":90}"#)
        }
    }

    @Test(arguments: [
        "/api/telemetry/summary", "/api/telemetry/sessions", "/api/telemetry/sessions/s-1",
    ])
    func `a store that cannot answer is asked again later`(path: String) async throws {
        let parameters = path.hasSuffix("s-1") ? ["id": "s-1"] : [:]
        let bench = try await Bench()
        bench.store.prepare { $0.error = StoreError("sqlite is not running") }
        let answer = try await bench.get(path, parameters)
        #expect(answer.status == 503)
        #expect(answer.fields[.retryAfter] == "1")
        #expect(answer.text == #"{"error":"sqlite is not running","status":503}"#)
        bench.store.prepare { $0.error = CancellationError() }
        #expect(
            try await bench.get(path, parameters).text
                == #"{"error":"the store cannot answer now; see the log","status":503}"#
        )
        let none = try await Bench(hasStore: false).get(path, parameters)
        #expect(none.text == #"{"error":"the store \"sqlite\" of the hub is not there","status":503}"#)
    }
}
