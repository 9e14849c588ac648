// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import RawHTTP
import Testing

@testable import Collector
@testable import HTTPServer

/// The settings of components for the connections that they share.
struct ConnectionTermsTests {
    @Test func `of several components the longest time and the strictest rule apply`() {
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
        let registry = Registry(ComponentFactory.probes(Journal()) + [.brief])
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

extension ComponentFactory {
    /// Ends each connection.
    fileprivate static let brief = ComponentFactory.extension(
        "brief",
        WebConfig.self,
        summary: "ends each connection"
    ) { config, _, _ in Brief(endpoint: config.endpoint) }
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
