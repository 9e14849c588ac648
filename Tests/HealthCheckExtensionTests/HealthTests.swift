// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import HTTPTypes
import HealthCheckExtension
import Logging
import OTLP
import Synchronization
import Testing
import Usage

struct HealthTests {
    private let status: StatusBox

    init() {
        status = StatusBox()
    }

    private func answer(_ path: String, _ config: HealthCheckConfig = HealthCheckConfig()) async throws -> (Int, String)
    {
        let settings = ComponentSettings(
            id: try #require(ComponentID("health_check")),
            logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 3_725_000_000_000) }
        )
        let status = status
        let made = try ComponentFactory.healthCheck(version: "1.2.3").makeExtension(
            config,
            settings,
            with: CollectorParts(status: { status.value })
        )
        let serving = try #require(made.httpServing)
        let route = try #require(serving.routes.first { $0.path == path })
        let request = HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: path)
        let response = try await route.handler(ServerRequest(head: request))
        guard case .bytes(let bytes) = response.body else { return (response.head.status.code, "") }
        return (response.head.status.code, String(decoding: bytes, as: UTF8.self))
    }

    @Test func `it keeps the contract of components`() async throws {
        let suite = ComponentConformance(.healthCheck(), home: "/nowhere")
        #expect(suite.configurationViolations() == [])
    }

    @Test func `before everything is served it lives and is not ready`() async throws {
        status.value = CollectorStatus()
        #expect(try await answer("/live").0 == 200)
        #expect(try await answer("/ready").0 == 503)
        #expect(try await answer("/").0 == 503)
    }

    @Test func `when all is well it says so, as the OpenTelemetry Collector does`() async throws {
        status.set(.running)
        #expect(try await answer("/ready") == (200, #"{"status":"ready"}"#))
        #expect(
            try await answer("/")
                == (200, #"{"status":"Server available","upSince":"1970-01-01T00:01:05.000Z","uptime":"1h1m0s"}"#)
        )
    }

    @Test(arguments: [ComponentState.degraded("the disk is full"), .stopped, .starting])
    func `a component in trouble makes it unready, and it goes on living`(state: ComponentState) async throws {
        status.set(state)
        #expect(try await answer("/live").0 == 200)
        #expect(try await answer("/ready") == (503, #"{"status":"degraded","componentsInTrouble":1}"#))
        #expect(try await answer("/").0 == 503)
        // The open routes name no component.
        #expect(try await !answer("/ready").1.contains("disk"))
    }

    @Test(
        arguments: [
            (nil, nil, 200, 200), (10, nil, 200, 200), (61, nil, 200, 503), (nil, "the queue is full", 503, 503),
            (10, "the queue cannot be written: no space", 503, 503),
        ] as [(Int64?, String?, Int, Int)]
    )
    func `a destination that is away makes no sender wait, and is reported after a minute`(
        stuckFor: Int64?,
        refusal: String?,
        ready: Int,
        health: Int
    ) async throws {
        status.set(.degraded("hub:4318: connection refused"), stuckFor: stuckFor, refusal: refusal, withQueue: true)
        #expect(try await answer("/ready").0 == ready)
        #expect(try await answer("/").0 == health)
        #expect(try await answer("/status").1.contains("connection refused"))
    }

    @Test func `every component is reported`() async throws {
        status.set(.degraded("the disk is \"full\""), withQueue: true)
        let (code, text) = try await answer("/status")
        #expect(code == 200)
        let document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        #expect(document.version == "1.2.3")
        #expect(document.uptimeSeconds == 3_660)
        #expect(document.memory.limitBytes == 100)
        #expect(document.pipelines.first?.exporters == ["otlp_http/hub"])
        let component = try #require(document.components.first)
        #expect(component.kind == "exporter")
        #expect(component.id == "otlp_http/hub")
        #expect(component.state == "degraded")
        #expect(component.reason == "the disk is \"full\"")
        #expect(component.location == "config.yaml:12")
        #expect(component.sent == 7)
        #expect(component.queue?.oldestAgeSeconds == 25)
        #expect(component.queue?.stuckSeconds == nil)
        #expect(component.lastError?.count == 3)
    }

    @Test func `the path may be another, but none that is taken`() async throws {
        status.set(.running)
        var config = HealthCheckConfig()
        for (path, isFine) in [("/health", true), ("/", true), ("/live", false), ("health", false), ("/a b", false)] {
            config.path = path
            var findings = ConfigFindings()
            config.validate(&findings)
            #expect(findings.items.isEmpty == isFine, "\(path)")
        }
        config.path = "/health"
        #expect(try await answer("/health", config).0 == 200)
    }

    private struct Document: Decodable {
        var version: String
        var uptimeSeconds: Int
        var memory: Memory
        var pipelines: [Pipeline]
        var components: [Component]

        struct Memory: Decodable { var limitBytes: Int }
        struct Pipeline: Decodable { var exporters: [String] }
        struct Component: Decodable {
            var kind, id, state: String
            var location, reason: String?
            var sent: Int
            var queue: Queue?
            var lastError: Trouble?
        }
        struct Queue: Decodable { var oldestAgeSeconds, stuckSeconds: Int? }
        struct Trouble: Decodable { var count: Int }
    }
}

/// The collector's status in a test.
final class StatusBox: Sendable {
    private let status = Mutex(CollectorStatus())

    var value: CollectorStatus {
        get { status.withLock { $0 } }
        set { status.withLock { $0 = newValue } }
    }

    /// One exporter in this state, since second 65.
    func set(_ state: ComponentState, stuckFor: Int64? = nil, refusal: String? = nil, withQueue: Bool = false) {
        guard let id = ComponentID("otlp_http/hub") else { return }
        let queue = QueueStatus(
            batches: 1,
            bytes: 2,
            capacityBytes: 3,
            oldest: Timestamp(nanoseconds: 3_700_000_000_000),
            stuckSince: stuckFor.map { Timestamp(nanoseconds: (3_725 - $0) * 1_000_000_000) },
            refusal: refusal
        )
        var next = CollectorStatus()
        next.startedAt = Timestamp(nanoseconds: 65_000_000_000)
        next.uptimeSeconds = 3_660
        next.memory.limitBytes = 100
        next.pipelines = [
            PipelineStatus(name: "logs", signal: .logs, receivers: [], processors: [], exporters: [id])
        ]
        next.components = [
            ComponentStatus(
                kind: .exporter,
                id: id,
                stability: .stable,
                location: "config.yaml:12",
                state: state,
                counts: [.sent: 7],
                lastError: ComponentTrouble(message: "no", time: Timestamp(nanoseconds: 0), count: 3),
                queue: withQueue ? queue : nil
            )
        ]
        value = next
    }
}
