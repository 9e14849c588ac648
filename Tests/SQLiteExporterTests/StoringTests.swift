// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import OTLP
import SQLiteExporter
import StoreFixtures
import Testing
import Usage

/// What becomes of calls, sessions and records in the file.
struct StoringTests {
    private static func today(_ bench: Bench) async throws -> UsageSummary {
        try await bench.store.summary(of: period("2026-11-22", "2026-11-22"), now: morning + 30)
    }

    @Test func `batches give exactly this summary, these sessions and this detail`() async throws {
        let bench = try await Bench()
        let first = Observation(1, session: "s1").with {
            ($0.agent, $0.user, $0.project, $0.machine, $0.duration) = ("claude-code", "ann", "p", "box", 2_000_000_000)
        }
        let second = Observation(2, at: morning + 10, session: "s1", model: "unpriced", input: 7).with {
            $0.error = "overloaded"
        }
        let lonely = Observation(3, at: morning + 20, session: nil).with { $0.agent = "codex" }
        let records = [("api_error", "s1", morning + 5), ("session_start", "s2", morning + 6)]
        try await bench.consume([Batch([first, second, lonely], records: records, pricing: testPricing())])

        let summary = try await Self.today(bench)
        #expect(summary.totals.text == "3(1) 27/0/0+0/15/0 40000")
        #expect(summary.unpricedModels == ["unpriced"])
        #expect([summary.sessionCount, summary.activeSessions] == [1, 2])
        #expect(
            summary.byModel.mapValues(\.totals.text) == [
                "m": "2(0) 20/0/0+0/10/0 40000", "unpriced": "1(1) 7/0/0+0/5/0 0",
            ]
        )
        #expect(summary.byModel.mapValues(\.sessions) == ["m": 1, "unpriced": 1])
        #expect(summary.byAgent.mapValues(\.totals.calls) == ["claude-code": 2, "codex": 1])
        #expect(summary.byAgent.mapValues(\.sessions) == ["claude-code": 1, "codex": 0])
        #expect(summary.byUser.mapValues(\.totals.calls) == ["ann": 2, "": 1])
        #expect(summary.byProject.mapValues(\.totals.calls) == ["p": 2, "": 1])
        #expect(summary.byMachine.mapValues(\.totals.calls) == ["box": 2, "": 1])
        #expect(summary.sessions.map(\.id) == ["s1"])

        let page = try await bench.store.sessions(SessionQuery(now: morning + 30))
        #expect(page.sessions.map(\.id) == ["s1", "s2"])
        #expect(page.sessions.map(\.startedAt) == [morning + -2, morning + 6])
        #expect(page.sessions.map(\.lastSeenAt) == [morning + 10, morning + 6])
        #expect(page.sessions.map(\.totals.text) == ["2(1) 17/0/0+0/10/0 20000", "0(0) 0/0/0+0/0/0 0"])
        #expect(page.sessions.map(\.model) == ["unpriced", nil])

        let detail = try #require(try await bench.store.session(id: "s1"))
        #expect(detail.calls.map(\.id) == [1, 2])
        #expect(detail.calls.map(\.error) == [nil, "overloaded"])
        #expect(detail.calls.map(\.duration) == [2_000_000_000, nil])
        #expect(detail.calls.map { $0.price?.cost.nanodollars } == [20_000, 0])
        #expect(detail.events == [SessionEvent(time: morning + 5, name: "api_error")])
        #expect(detail.costByModel == ["m": Money(nanodollars: 20_000), "unpriced": .zero])
        #expect(try await bench.store.session(id: "nobody") == nil)
    }

    @Test func `lifetimes that become known later change the price`() async throws {
        let bench = try await Bench()
        let log = Observation(1, input: 0, output: 0).with {
            $0.keys.request = 7
            $0.counts.cacheWrite5m = 1_000
        }
        let transcript = Observation(2, input: 0, output: 0, source: .transcript).with {
            $0.keys.request = 7
            ($0.counts.cacheWrite5m, $0.counts.cacheWrite1h, $0.knowsCacheLifetimes) = (400, 600, true)
        }
        try await bench.consume([Batch([log], pricing: testPricing())])
        #expect(try await Self.today(bench).totals.text == "1(0) 0/0/1000+0/0/0 1000000")
        try await bench.consume([Batch([transcript], pricing: testPricing())])
        #expect(try await Self.today(bench).totals.text == "1(0) 0/0/400+600/0/0 1600000")
        try EquivalenceTests.checkSums(bench)
    }

    @Test(arguments: [false, true])
    func `copies of one update agree in what was written to the cache`(lifetimesFirst: Bool) async throws {
        let bench = try await Bench()
        let plain = Observation(1, input: 0, output: 0).with {
            $0.keys.request = 7
            $0.counts.cacheWrite5m = 1_000
        }
        let known = plain.with {
            ($0.counts.cacheWrite5m, $0.counts.cacheWrite1h, $0.knowsCacheLifetimes) = (400, 600, true)
        }
        let copies = lifetimesFirst ? [known, plain] : [plain, known]
        try await bench.consume(copies.map { try Batch([$0], pricing: testPricing()) })
        #expect(try await Self.today(bench).totals.text == "1(0) 0/0/400+600/0/0 1600000")
    }

    @Test func `a span whose descendant comes later is no longer counted`() async throws {
        let bench = try await Bench()
        let top = Observation(1, input: 30, source: .otlpSpan).with { $0.trace.span = 11 }
        let leaf = Observation(2, at: morning + 1, source: .otlpSpan).with {
            $0.trace.span = 12
            $0.trace.ancestors.insert(11)
        }
        try await bench.consume([Batch([top])])
        #expect(try await Self.today(bench).totals.calls == 1)
        try await bench.consume([Batch([leaf])])
        #expect(try await Self.today(bench).totals.text == "1(1) 10/0/0+0/5/0 0")
        #expect(try await bench.store.session(id: "s")?.calls.map(\.id) == [2])
        try EquivalenceTests.checkSums(bench)
    }

    @Test func `a session that only a trace stands for goes when its calls move`() async throws {
        let bench = try await Bench()
        let span = Observation(1, session: "0af7651916cd43dd", source: .otlpSpan).with {
            $0.sessionIsTrace = true
            $0.keys.request = 7
        }
        try await bench.consume([Batch([span])])
        #expect(try await bench.store.sessions(SessionQuery(now: morning)).sessions.map(\.id) == ["0af7651916cd43dd"])
        try await bench.consume([Batch([Observation(2).with { $0.keys.request = 7 }])])
        let page = try await bench.store.sessions(SessionQuery(now: morning))
        #expect(page.sessions.map(\.id) == ["s"])
        #expect(page.total == 1)
        #expect(try await bench.store.session(id: "0af7651916cd43dd") == nil)
        #expect(try await Self.today(bench).activeSessions == 1)
    }

    @Test func `a span that is told again with another end is still one call`() async throws {
        let bench = try await Bench()
        let span = Observation(1, source: .otlpSpan).with { $0.trace.span = 11 }
        try await bench.consume([
            Batch([span]), Batch([span.with { $0.time = morning + -30 }]),
            Batch([span.with { $0.time = morning + 30 }]),
        ])
        #expect(try await Self.today(bench).totals.calls == 1)
        #expect(try bench.rows("SELECT time FROM calls") == ["\((morning + -30).nanoseconds)"])
        try EquivalenceTests.checkSums(bench)
    }

    @Test(arguments: [SQLiteConfig.Records.all, .usage])
    func `records are kept as OTLP or not at all`(kept: SQLiteConfig.Records) async throws {
        let bench = try await Bench(records: kept)
        let batch = try Batch(records: [("start", "s", morning), ("stop", "", morning + 1)])
        try await bench.consume([batch])
        let rows = try bench.rows("SELECT signal, first_time, last_time, records, hex(body) FROM batches")
        #expect(try await bench.store.sessions(SessionQuery(now: morning)).sessions.map(\.id) == ["s"])
        guard kept == .all else { return #expect(rows == []) }
        let times = "\(morning.nanoseconds) \((morning + 1).nanoseconds)"
        let body = batch.otlp.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
        #expect(rows == ["\"logs\" \(times) 2 \"\(body)\""])
        #expect(try await bench.store.session(id: "s")?.events.map(\.name) == ["start"])
    }

    /// Two hundred records of one session, ten seconds apart.
    private static func many() throws -> Batch {
        try Batch(records: (0..<200).map { ("event-\($0)", "s", morning + Double($0) * 10) })
    }

    @Test func `many records are kept in a fraction of their size, and are the same when they are read`() async throws {
        let bench = try await Bench()
        let batch = try Self.many()
        try await bench.consume([batch, batch])
        let size = batch.otlp.bytes.count
        #expect(
            try bench.rows("SELECT size, length(body) * 3 < size, count(*) FROM batches") == ["\(size) 1 1"]
        )
        #expect(try await bench.store.session(id: "s")?.events.map(\.name) == (0..<200).map { "event-\($0)" })
        #expect(try await bench.store.compact(before: morning + 900) == 90)
        #expect(try bench.rows("SELECT length(body) < size, size < \(size) FROM batches") == ["1 1"])
        #expect(try await bench.store.session(id: "s")?.events.map(\.name) == (90..<200).map { "event-\($0)" })
    }

    @Test(arguments: ["x'28B52FFD'", "substr(body, 1, length(body) / 2)", "zeroblob(length(body))", "x'0A'"])
    func `records whose body is damaged are left out, and go with their time`(damage: String) async throws {
        let bench = try await Bench()
        try await bench.consume([try Self.many()])
        try bench.execute("UPDATE batches SET body = \(damage)")
        #expect(try await bench.store.session(id: "s")?.events.map(\.name) == [])
        #expect(try await bench.store.compact(before: morning + 900) == 200)
        #expect(try bench.rows("SELECT count(*) FROM batches") == ["0"])
    }

    @Test func `a record without a time of its own is known again and stands in its session`() async throws {
        let json = """
            {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"0","observedTimeUnixNano":"1795335224144175608",
            "attributes":[{"key":"event.name","value":{"stringValue":"codex.user_prompt"}},
            {"key":"event.timestamp","value":{"stringValue":"2026-11-22T08:13:44.144Z"}}]}]}]}]}
            """
        let bench = try await Bench()
        for second in [0.0, 9] {
            var batch = Batch(
                try OTLPBatch(signal: .logs, json: Array(json.utf8)),
                receivedAt: morning + (5_000 + second)
            )
            let update = SessionUpdate(id: "s", time: Timestamp(nanoseconds: 1_795_335_224_144_000_000))
            batch.sessions.assign(record: 0, to: batch.sessions.append(update))
            try await bench.exporter.consume(batch)
        }
        #expect(try bench.rows("SELECT first_time FROM batches") == ["1795335224144000000"])
        #expect(try await bench.store.session(id: "s")?.events.map(\.name) == ["codex.user_prompt"])
    }

    @Test func `nobody else may read the file or its log`() async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)])])
        for name in ["telemetry.db", "telemetry.db-wal", "telemetry.db-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: bench.folder.appending(path: name).path)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
    }

    @Test func `after the shutdown nothing is kept`() async throws {
        let bench = try await Bench()
        await bench.exporter.shutdown()
        await #expect(throws: ConsumeError.self) { try await bench.consume([Batch(records: [("c", "s", morning)])]) }
    }
}
