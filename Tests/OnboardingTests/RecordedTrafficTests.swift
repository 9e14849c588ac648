// SPDX-License-Identifier: Apache-2.0

import Foundation
import TOMLKit
import Testing
import Usage

@testable import Onboarding

/// Compares the settings that onboarding writes with those under which genuine clients sent recorded requests.
struct RecordedTrafficTests {
    struct Scenario: Decodable, CustomTestStringConvertible, Sendable {
        var id: String
        var client: String
        var version: String
        /// The protocol in the client's settings.
        var `protocol`: String
        var requests: [Request]

        var testDescription: String { id }
    }

    struct Request: Decodable, Hashable, Sendable {
        var signal: String
        var method: String
        var path: String
        var contentType: String
        var contentEncoding: String?
    }

    static let scenarios: [Scenario] = {
        let data = try? Data(contentsOf: Fixtures.folder.appending(path: "recorded-requests.json"))
        return data.flatMap { try? JSONDecoder().decode([Scenario].self, from: $0) } ?? []
    }()

    private static let contentTypes = [
        "http/protobuf": "application/x-protobuf", "http/json": "application/json", "binary": "application/x-protobuf",
        "json": "application/json",
    ]

    @Test func `there are recordings of both`() {
        #expect(Self.scenarios.count { $0.client.hasPrefix("Claude") } > 5)
        #expect(Self.scenarios.count { $0.client.hasPrefix("Codex") } > 3)
    }

    @Test(arguments: scenarios.filter { $0.client.hasPrefix("Claude") })
    func `Claude Code sends to the paths that the endpoint in env makes`(scenario: Scenario) throws {
        let env = try claudeEnvironment()
        let base = try #require(env["OTEL_EXPORTER_OTLP_ENDPOINT"].flatMap(URL.init))
        #expect(Set(scenario.requests.map(\.signal)).isSuperset(of: ["logs", "metrics"]))
        for request in scenario.requests {
            #expect(request.method == "POST")
            #expect(request.path == base.appending(path: "v1/\(request.signal)").path)
            #expect(request.contentType == Self.contentTypes[scenario.protocol])
        }
        // The written protocol is one of those recorded with requests.
        #expect(env["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf")
        #expect(Self.scenarios.contains { $0.protocol == "http/protobuf" && !$0.requests.isEmpty })
        #expect(env["OTEL_LOGS_EXPORTER"] == "otlp" && env["OTEL_METRICS_EXPORTER"] == "otlp")
        #expect(env["CLAUDE_CODE_ENABLE_TELEMETRY"] == "1")
    }

    @Test(arguments: scenarios.filter { $0.client.hasPrefix("Codex") })
    func `Codex sends to the whole addresses of its exporters`(scenario: Scenario) throws {
        let exporters = try codexExporters()
        for request in scenario.requests where request.signal != "traces" {
            let exporter = try #require(exporters[request.signal])
            #expect(request.method == "POST")
            #expect(request.path == URL(string: exporter.endpoint)?.path)
            #expect(request.contentType == Self.contentTypes[scenario.protocol])
        }
        #expect(exporters.values.allSatisfy { $0.protocol == "binary" })
        #expect(Self.scenarios.contains { $0.protocol == "binary" && !$0.requests.isEmpty })
    }

    private func claudeEnvironment() throws -> [String: String] {
        let home = try TemporaryHome()
        let plan = AgentPlan.make(for: .claudeCode, to: home.destination(), of: home.account, in: home.files)
        let document = try JSONSerialization.jsonObject(with: Data(try #require(plan.changes.first).content))
        return try #require((document as? [String: Any])?["env"] as? [String: String])
    }

    private func codexExporters() throws -> [String: (endpoint: String, `protocol`: String)] {
        let home = try TemporaryHome()
        let plan = AgentPlan.make(for: .codex, to: home.destination(), of: home.account, in: home.files)
        let text = String(decoding: try #require(plan.changes.first).content, as: UTF8.self)
        let otel = try #require(try TOMLTable(string: text)["otel"]?.table)
        #expect(Set(otel.keys) == ["environment", "log_user_prompt", "exporter", "metrics_exporter", "trace_exporter"])
        #expect(otel["trace_exporter"]?.string == "none" && otel["log_user_prompt"]?.bool == false)
        var result: [String: (endpoint: String, `protocol`: String)] = [:]
        for (signal, key) in [("logs", "exporter"), ("metrics", "metrics_exporter")] {
            let http = try #require(otel[key]?.table?["otlp-http"]?.table)
            #expect(Set(http.keys).isSubset(of: ["endpoint", "protocol", "headers", "tls"]))
            result[signal] = (try #require(http["endpoint"]?.string), try #require(http["protocol"]?.string))
        }
        return result
    }
}
