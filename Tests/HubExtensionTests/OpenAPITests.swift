// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import EventsReceiver
import Foundation
import HTTPTypes
import HubExtension
import Logging
import Testing
import Usage

/// Compares the description of the API with its real answers.
struct OpenAPITests {
    private let document: NSDictionary

    init() async throws {
        let answer = try await Bench().get("/api/openapi.json")
        #expect(answer.fields[.contentType] == "application/json")
        document = try #require(try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? NSDictionary)
    }

    @Test func `every route is described, and every description has a route`() async throws {
        let settings = ComponentSettings(
            id: try #require(ComponentID("events")),
            logger: Logger(label: "events") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 0) }
        )
        let receiver = try ComponentFactory.events.makeReceiver(EventsConfig(), settings, next: SignalConsumers([:]))
        let served = [try await Bench().hub.httpServing, receiver.httpServing].compactMap(\.self)
            .flatMap(\.routes).map { "\($0.method.rawValue.lowercased()) \($0.path)" }
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        let described = paths.flatMap { path, methods in methods.keys.map { "\($0) \(path)" } }
        // Pages and files of the dashboard do not belong to the API.
        #expect(Set(served.filter { $0.contains("/api/") || $0.hasSuffix(" /metrics") }) == Set(described))
    }

    @Test func `every reference leads somewhere`() throws {
        let schemas = try #require((document["components"] as? [String: Any])?["schemas"] as? [String: Any])
        var names: Set<String> = []
        func collect(_ value: Any) {
            if let object = value as? [String: Any] {
                if let name = object["$ref"] as? String { names.insert(name) }
                for member in object.values { collect(member) }
            } else if let list = value as? [Any] {
                for member in list { collect(member) }
            }
        }
        collect(document)
        let used = Set(names.map { $0.replacing("#/components/schemas/", with: "") })
        #expect(used == Set(schemas.keys))
    }

    @Test(arguments: [
        "/api/health", "/api/telemetry/summary?previous=true&series=model&period=7d", "/api/telemetry/sessions",
        "/api/telemetry/sessions/s-1", "/api/telemetry/quality", "/api/telemetry/prices", "/api/telemetry/pipelines",
        "/api/telemetry/blocks?tokenLimit=max", "/api/telemetry/statusline?session=s-2",
        "/api/telemetry/limits?current=false", "/api/telemetry/insights?period=7d&hours=true&series=model",
        "/api/telemetry/budgets?month=2026-11", "/api/telemetry/calls/0000000000000001?session=s-1",
    ])
    func `an answer has what is described, and nothing else`(path: String) async throws {
        let bench = try await Self.fullBench()
        if path.contains("/blocks") || path.contains("/statusline") { try bench.store.prepareCalls() }
        let said = LimitAPITests.report.dropLast(1) + #","contextPercent":3,"contextWindow":200000,"cost":0.5}"#
        #expect(try await bench.reportStatusLine(String(said)).status == 200)
        // A part of the path is a parameter.
        let parameters =
            path.contains("/calls/") ? ["id": "0000000000000001"] : path.hasSuffix("/s-1") ? ["id": "s-1"] : [:]
        let answer = try await bench.get(path, parameters)
        #expect(answer.status == 200)
        let template = path.contains("/calls/") ? "/api/telemetry/calls/{id}" : "/api/telemetry/sessions/{id}"
        try expect(answer, toMatch: parameters.isEmpty ? path : template, "get", "200")
    }

    @Test(arguments: ["/api/telemetry/compact", "/api/telemetry/scan", "/api/telemetry/reprice", "/api/reload"])
    func `the answers to actions are as described`(path: String) async throws {
        let answer = try await Self.fullBench().post(path)
        #expect(answer.status == 200)
        try expect(answer, toMatch: path, "post", "200")
    }

    @Test func `an error is reported as described`() async throws {
        try expect(
            try await Bench().get("/api/telemetry/summary?period=soon"),
            toMatch: "/api/telemetry/summary",
            "get",
            "400"
        )
    }

    private func expect(_ answer: Answer, toMatch path: String, _ method: String, _ status: String) throws {
        let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
        let operation = try #require(paths[String(path.prefix { $0 != "?" })]?[method])
        let response = try #require((operation["responses"] as? [String: [String: Any]])?[status])
        let content = try #require((response["content"] as? [String: [String: Any]])?["application/json"])
        let value = try JSONSerialization.jsonObject(with: Data(answer.text.utf8))
        let schema = try #require(content["schema"] as? [String: Any])
        var check = SchemaCheck(document: document)
        check.compare(value, schema, "$")
        #expect(check.faults == [], "\(answer.text.prefix(2_000))")
    }

    /// A hub with a value for every member of every answer.
    private static func fullBench() async throws -> Bench {
        let own = try PriceOverride(
            model: "m",
            input: "1",
            output: "2",
            cacheRead: nil,
            cacheWrite: nil,
            cacheWrite1h: nil
        )
        let bench = try await Bench(scanners: [IdleScanner()], parts: busyParts(prices: [own])) {
            $0.budget.monthly = 9
        }
        let session = try makeSession()
        var call = Call(id: 1, time: session.startedAt, counts: TokenCounts())
        call.sources = [.event]
        var detail = SessionDetail(
            session: session,
            calls: [call],
            events: [SessionEvent(time: session.startedAt, name: "e")],
            costByModel: ["m": Money(nanodollars: 1)]
        )
        detail.subagents = [SessionDetail.Subagent(session: session, calls: [call])]
        let full = detail
        var known = CallDetail(
            session: "s-1",
            call: call,
            observations: [
                Observation(id: 1, time: session.startedAt, source: .event, emitter: 1, priority: 85)
            ],
            keepsRecords: true
        )
        known.records = [CallRecord(time: session.startedAt, name: "e", observations: [0], text: Array("{}".utf8))]
        let callDetail = known
        bench.store.prepare { state in
            state.callDetails["s-1"] = callDetail
            state.details["s-1"] = full
            state.page = SessionPage(sessions: [session], total: 1, next: nil)
            state.unpriced = [UnpricedModel(model: "x", calls: 1, lastSeenAt: session.startedAt)]
            state.quality.sources[.init(agent: "a", machine: "b", sources: [.event])] = .init(
                calls: 1,
                lastSeen: session.startedAt
            )
            state.quality.costs[.init(model: "m", reason: .equal)] = .init()
            state.quality.sessionCosts.add("s-1", reported: Money(nanodollars: 1), counted: Money(nanodollars: 3))
            state.names = [.model: ["x"]]
            state.summary = { period in
                var summary = UsageSummary(period: period)
                (summary.byModel, summary.byAgent) = (["m": .init()], ["a": .init()])
                (summary.byProject, summary.byUser, summary.byMachine) = (
                    ["p": .init()], ["u": .init()], ["b": .init()]
                )
                (summary.sessions, summary.unpricedModels) = ([session], ["x"])
                summary.totals.calls = 1
                summary.series = period.days.map { _ in ["m": UsageTotals()] }
                return summary
            }
        }
        return bench
    }
}

private struct IdleScanner: SessionScanner {
    var standingFaults: ScanReport? {
        var report = ScanReport()
        report.note(unknownType: "a", UnknownLines(first: "/a:1"))
        return report
    }

    func scan(progress: (@Sendable (ScanProgress) -> Void)?) async throws(ConsumeError) -> ScanReport {
        var report = ScanReport()
        report.note(ScanProblem(path: "/a", line: nil, message: "b"))
        report.note(unknownType: "a", UnknownLines(first: "/a:1"))
        return report
    }
}

/// Compares a value with a schema: every member is described, every description has a member, types match.
private struct SchemaCheck {
    let document: NSDictionary
    var faults: [String] = []

    init(document: NSDictionary) {
        self.document = document
    }

    mutating func compare(_ value: Any, _ schema: [String: Any], _ place: String) {
        if let reference = schema["$ref"] as? String {
            let name = reference.replacing("#/components/schemas/", with: "")
            let schemas = (document["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]]
            guard let found = schemas?[name] else { return faults.append("\(place): no \(reference)") }
            return compare(value, found, place)
        }
        if let choices = (schema["anyOf"] ?? schema["oneOf"]) as? [[String: Any]] {
            return compare(value, choices, place)
        }
        let types = (schema["type"] as? [String]) ?? [schema["type"] as? String ?? "?"]
        guard types.contains(where: { Self.fits(value, $0) }) else {
            return faults.append("\(place): \(value) is no \(types.joined(separator: " or "))")
        }
        if let words = schema["enum"] as? [String], let text = value as? String, !words.contains(text) {
            faults.append("\(place): \(text) is not among \(words)")
        }
        if let list = value as? [Any], let items = schema["items"] as? [String: Any] {
            for (position, item) in list.enumerated() { compare(item, items, "\(place)[\(position)]") }
        }
        if let object = value as? [String: Any] { compareMembers(object, schema, place) }
    }

    private mutating func compare(_ value: Any, _ choices: [[String: Any]], _ place: String) {
        var best: [String]?
        for choice in choices {
            var attempt = SchemaCheck(document: document)
            attempt.compare(value, choice, place)
            if attempt.faults.count < best?.count ?? .max { best = attempt.faults }
        }
        faults += best ?? []
    }

    private mutating func compareMembers(_ object: [String: Any], _ schema: [String: Any], _ place: String) {
        let described = schema["properties"] as? [String: [String: Any]] ?? [:]
        let others = schema["additionalProperties"] as? [String: Any]
        for (name, member) in object {
            if let known = described[name] ?? others {
                compare(member, known, "\(place).\(name)")
            } else {
                faults.append("\(place).\(name) is not described")
            }
        }
        for name in described.keys where object[name] == nil { faults.append("\(place).\(name) is not there") }
    }

    private static func fits(_ value: Any, _ type: String) -> Bool {
        let number = value as? NSNumber
        let isFlag = number.map { String(cString: $0.objCType) == "c" } ?? false
        switch type {
        case "null": return value is NSNull
        case "boolean": return isFlag
        case "integer": return number.map { !isFlag && $0.doubleValue == $0.doubleValue.rounded() } ?? false
        case "number": return number != nil && !isFlag
        case "string": return value is String
        case "array": return value is [Any]
        case "object": return value is [String: Any]
        default: return false
        }
    }
}
