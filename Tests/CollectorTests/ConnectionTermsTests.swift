// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import Testing

@testable import Collector
@testable import HTTPServer

/// What components ask of the connections that they share.
struct ConnectionTermsTests {
    @Test func `without wishes the listener's limits stay`() {
        let (usual, limits) = (ListenerLimits(), ListenerLimits(ConnectionTerms()))
        #expect(limits.headTime == usual.headTime)
        #expect(limits.bodyTime == usual.bodyTime)
        #expect(limits.bodyPause == usual.bodyPause)
        #expect(limits.answerTime == usual.answerTime)
        #expect(limits.idleTime == usual.idleTime)
        #expect(limits.keepsAlive)
    }

    @Test func `a wish replaces the listener's limit`() {
        var terms = ConnectionTerms()
        (terms.headTime, terms.bodyTime) = (.seconds(1), .seconds(1_000))
        (terms.answerTime, terms.idleTime) = (.seconds(3), .milliseconds(4))
        let limits = ListenerLimits(terms)
        #expect(limits.headTime == .seconds(1))
        #expect(limits.bodyTime == .seconds(1_000))
        #expect(limits.bodyPause == .seconds(1_000))
        #expect(limits.answerTime == .seconds(3))
        #expect(limits.idleTime == .milliseconds(4))
    }

    @Test func `of several components the longest time and the strictest rule hold`() {
        var first = ConnectionTerms()
        var second = ConnectionTerms()
        (first.idleTime, second.idleTime) = (.seconds(1), .seconds(2))
        first.headTime = .seconds(5)
        second.keepsAlive = false
        let both = first.merged(with: second)
        #expect(both == second.merged(with: first))
        #expect(both.idleTime == .seconds(2))
        #expect(both.headTime == .seconds(5))
        #expect(both.bodyTime == nil)
        #expect(!both.keepsAlive)
        #expect(both.merged(with: ConnectionTerms()) == both)
    }

    @Test func `a component's terms reach its listener`() async throws {
        let registry = Registry(
            receivers: [ProbeFactory(journal: Journal())],
            processors: [],
            exporters: [ProbeFactory(journal: Journal())],
            extensions: [BriefFactory()]
        )
        let collector = try await RunningCollector(
            """
            receivers: { probe: }
            exporters: { probe: }
            extensions: { brief: }
            service: { extensions: [brief], pipelines: { logs: { receivers: [probe], exporters: [probe] } } }
            """,
            registry
        )
        let connection = try await collector.connect()
        try connection.send("GET /brief HTTP/1.1\nHost: localhost\n\n")
        #expect(try await connection.answer().fields["connection"] == "close")
        try await collector.end()
    }
}

/// Makes a component that ends each connection.
private struct BriefFactory: ExtensionFactory {
    typealias Config = WebConfig

    let type = "brief"
    let summary = "ends each connection"

    func makeExtension(_ config: WebConfig, _ settings: ComponentSettings, with parts: CollectorParts) -> any Extension
    {
        Brief(endpoint: config.endpoint)
    }

    private struct Brief: Extension, HTTPServing {
        let endpoint: Endpoint
        var routes: [Route] { [Route(.get, "/brief") { _ in ServerResponse(.ok) }] }

        var connectionTerms: ConnectionTerms {
            var terms = ConnectionTerms()
            terms.keepsAlive = false
            return terms
        }
    }
}
