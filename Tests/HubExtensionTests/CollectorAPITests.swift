// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import HubExtension
import Testing
import Usage

/// The API's answers about the collector itself.
struct CollectorAPITests {
    @Test func `pipelines and components as they run`() async throws {
        let text = try await Bench(parts: busyParts()).get("/api/telemetry/pipelines").text
        let head =
            #"{"startedAt":"2026-11-22T11:58:30.000Z","uptimeSeconds":90,"version":"1.2.3","memory":{"usedBytes":1024,"limitBytes":4096,"refusing":false},"#
            + #""pipelines":[{"name":"logs/audit","signal":"logs","receivers":["otlp"],"processors":["tokens"],"exporters":["otlp_http/team"],"#
            + #""accepted":{"receivers":{"otlp":7},"processors":{"tokens":0},"exporters":{"otlp_http/team":5}}}],"#
        #expect(text.hasPrefix(head), "\(text)")
        let exporter =
            #"{"kind":"exporter","id":"otlp_http/team","stability":"stable","location":"config.yaml:12","state":"degraded","#
            + #""reason":"the hub cannot be reached","accepted":12,"refused":0,"sent":0,"failed":0,"dropped":0,"deviations":1,"#
            + #""queue":{"batches":2,"bytes":300,"capacityBytes":1000,"oldestAgeSeconds":10,"stuckSeconds":null},"#
            + #""lastError":{"message":"connection refused","time":"2026-11-22T11:59:00.000Z","count":3},"restarts":null,"#
            + #""collectors":[{"id":"1f","host":"build-7","version":"1.2.3","startedAt":"2026-11-22T10:00:00.000Z","#
            + #""lastSeenAt":"2026-11-22T11:59:40.000Z"}]}"#
        #expect(text.contains(exporter), "\(text)")
        #expect(text.contains(#""location":null,"state":"ok","reason":null"#))
        #expect(text.contains(#""queue":null,"lastError":null,"restarts":null,"collectors":[]}"#))
    }

    @Test func `health is degraded when a component is, and still answered`() async throws {
        let answer = try await Bench(parts: busyParts()).get("/api/health")
        #expect(answer.status == 200)
        #expect(answer.text.hasPrefix(#"{"status":"degraded","version":"1.2.3""#))
    }

    @Test func `metrics are what Prometheus reads`() async throws {
        let bench = try await Bench(parts: busyParts()) { $0.budget.monthly = 20 }
        bench.store.prepare { state in
            state.summary = { period in
                var summary = UsageSummary(period: period)
                var share = UsageSummary.Share()
                (share.totals.cost, share.totals.calls) = (Money(nanodollars: 1_500_000_000), 3)
                share.totals.counts = TokenCounts(uncachedInput: 1, cacheRead: 2, cacheWrite5m: 3, output: 4)
                summary.byModel = ["quo\"te\\\n": share, "": UsageSummary.Share()]
                summary.activeSessions = 7
                return summary
            }
        }
        let answer = try await bench.get("/metrics")
        #expect(answer.fields[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        let lines = answer.text.split(separator: "\n").map(String.init)
        for line in [
            #"hammurabi_build_info{version="1.2.3"} 1"#,
            #"hammurabi_component_records_total{kind="receiver",component="otlp",outcome="accepted"} 12"#,
            #"hammurabi_component_ok{kind="exporter",component="otlp_http/team"} 0"#,
            #"hammurabi_http_requests_total{listener="127.0.0.1:4318",path="/v1/logs",code="415"} 2"#,
            #"hammurabi_intake_problems_total{reason="unread_usage"} 12"#,
            #"hammurabi_queue_bytes{kind="exporter",component="otlp_http/team"} 300"#,
            #"hammurabi_month_cost_dollars{model="quo\"te\\\n"} 1.5"#,
            #"hammurabi_month_tokens{model="quo\"te\\\n",type="cache_write"} 3"#,
            #"hammurabi_month_calls{model="unknown"} 0"#, "hammurabi_active_sessions 7",
            "hammurabi_month_budget_dollars 20", "hammurabi_memory_used_bytes 1024",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(bench.store.asked.summaries.map(\.listsSessions) == [false])
        try expectWellFormed(lines)
    }

    @Test(arguments: ["/api/telemetry/quality", "/api/telemetry/pipelines"])
    func `what was not collected is listed with its count, its times and the next step`(path: String) async throws {
        let text = try await Bench(parts: busyParts()).get(path).text
        let refused =
            #"{"code":"unsupported_type","message":"2 requests to /v1/logs by sender/1 were refused with 415: the Content-Type must be JSON","#
            + #""next":"set the sender's protocol to http/protobuf or http/json","subject":"/v1/logs","client":"sender/1","signal":null,"#
            + #""status":415,"count":2,"firstSeenAt":"2026-11-22T11:58:40.000Z","lastSeenAt":"2026-11-22T11:59:00.000Z"}"#
        #expect(text.contains(#""intakeProblems":[\#(refused),{"code":"unread_usage","#), "\(text)")
        #expect(text.contains("12 spans with usage in `vendor.usage_details` that this version does not read"))
    }

    @Test func `the problems of data quality have those of files first, then what was not collected`() async throws {
        let text = try await Bench(parts: busyParts()).get("/api/telemetry/quality").text
        #expect(text.contains(#""problems":["2 requests to /v1/logs by sender/1 were refused"#), "\(text)")
        #expect(
            text.contains(
                #""droppedTexts":[{"key":"status.message","count":3,"firstSeenAt":"2026-11-22T11:58:40.000Z","#
            )
        )
        #expect(
            try await Bench().get("/api/telemetry/quality").text.hasSuffix(
                #""problems":[],"intakeProblems":[],"droppedTexts":[]}"#
            )
        )
    }

    /// Each family has its help and type once, before its samples, and its samples are adjacent.
    private func expectWellFormed(_ lines: [String]) throws {
        var families: [String] = []
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            if line.hasPrefix("# HELP ") {
                #expect(!families.contains(words[2]))
                families.append(words[2])
            } else if line.hasPrefix("# TYPE ") {
                #expect(words[2] == families.last)
                #expect(["counter", "gauge"].contains(words[3]))
            } else {
                #expect(line.prefix { $0 != "{" && $0 != " " } == families.last ?? "", "\(line)")
                #expect(Double(line.split(separator: " ").last ?? "") != nil, "\(line)")
            }
        }
        #expect(families.count > 15)
    }

    @Test func `a store that rests does not hide the collector's own numbers`() async throws {
        let bench = try await Bench(parts: busyParts())
        bench.store.prepare { $0.error = StoreError("resting") }
        let answer = try await bench.get("/metrics")
        #expect(answer.status == 200)
        #expect(answer.text.contains("hammurabi_build_info") && !answer.text.contains("hammurabi_month"))
    }

    @Test func `prices are in dollars for a million tokens`() async throws {
        let own = try PriceOverride(
            model: "m",
            input: "1",
            output: "2.5",
            cacheRead: "0.1",
            cacheWrite: "1.25",
            cacheWrite1h: nil
        )
        let bench = try await Bench(parts: busyParts(prices: [own]))
        let time = try instant("2026-11-22T11:00:00.000Z")
        bench.store.prepare {
            $0.unpriced = [
                UnpricedModel(model: "x", calls: 1, lastSeenAt: time),
                UnpricedModel(model: "", calls: 2, lastSeenAt: time),
            ]
        }
        let text = try await bench.get("/api/telemetry/prices").text
        let model =
            #"{"model":"m","provider":null,"inputPerMillion":1,"outputPerMillion":2.5,"cacheReadPerMillion":0.1,"#
            + #""cacheWrite5mPerMillion":1.25,"cacheWrite1hPerMillion":null,"from":null}"#
        let unpriced = [("unknown", 2), ("x", 1)].map {
            #"{"model":"\#($0)","calls":\#($1),"lastSeenAt":"2026-11-22T11:00:00.000Z"}"#
        }
        #expect(
            text.hasPrefix(
                #"{"models":[\#(model)],"unpriced":[\#(unpriced.joined(separator: ","))],"aliases":[{"name":"#
            )
        )
        #expect(text.contains(#""name":"gpt-*-codex","model":"gpt-*","from":null,"until":null,"source":"#))
        #expect(text.hasSuffix(#"],"unmatchedOverrides":[]}"#))
        #expect(try await bench.post("/api/telemetry/reprice").text == #"{"ok":true,"repriced":123}"#)
        #expect(bench.store.asked.repriced == 1)
        let none = try await Bench().post("/api/telemetry/reprice")
        #expect(none.status == 503 && none.text.contains("add pricing to a pipeline"))
    }

    @Test func `a price that reaches no stored call is named with the nearest model`() async throws {
        let own = try PriceOverride(model: "claude-opsu-6", input: "1", output: "2")
        let bench = try await Bench(parts: busyParts(prices: [own]))
        bench.store.prepare { $0.names = [.model: ["claude-opus-6-20261201", "gpt-5.5"]] }
        let unmatched = #""unmatchedOverrides":[{"model":"claude-opsu-6","nearest":"claude-opus-6-20261201"}]"#
        #expect(try await bench.post("/api/telemetry/reprice").text == #"{"ok":true,"repriced":123,\#(unmatched)}"#)
        for path in ["/api/telemetry/prices", "/api/telemetry/quality"] {
            #expect(try await bench.get(path).text.contains(unmatched))
        }
    }

    @Test func `a reload reports what it changed, or what is wrong`() async throws {
        #expect(try await Bench(parts: busyParts()).post("/api/reload").text == #"{"ok":true,"changes":2}"#)
        let faulty = CollectorParts(reload: { .refused("config.yaml:3:1: error[yaml]: no \"value\"") })
        let answer = try await Bench(parts: faulty).post("/api/reload")
        #expect(answer.status == 422)
        #expect(answer.text == #"{"error":"config.yaml:3:1: error[yaml]: no \"value\"","status":422}"#)
        #expect(try await Bench().post("/api/reload").status == 503)
    }

    @Test func `who may ask what`() async throws {
        let bench = try await Bench()
        for route in bench.hub.httpServing?.routes ?? [] {
            // The files of the dashboard hold no data.
            let isFile = route.method == .get && !route.path.hasPrefix("/api/") && route.path != "/metrics"
            let isOpen = isFile || ["/api/health", "/api/openapi.json"].contains(route.path)
            // The report of a status line is answered like its query; what it reports needs the permission to write.
            let reads = route.method == .get || route.path == "/api/telemetry/statusline"
            #expect(route.access == (isOpen ? .open : reads ? .read : .write), "\(route.path)")
        }
    }

    @Test(arguments: [
        "/api/telemetry/compact", "/api/telemetry/reprice", "/api/telemetry/statusline", "/api/reload",
    ])
    func `an order that a page of another site could give is refused`(path: String) async throws {
        let bench = try await Bench(parts: busyParts())
        for type in [nil, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            #expect(try await bench.post(path, type: type).status == 415, "\(type ?? "none")")
        }
        #expect(try await bench.post(path, type: "Application/JSON ; charset=utf-8").status != 415)
    }
}
