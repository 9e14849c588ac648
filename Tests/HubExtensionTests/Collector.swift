// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import Usage

/// A collector with a value for every part of its status.
func busyParts(prices: [PriceOverride] = []) throws -> CollectorParts {
    func id(_ text: String) throws -> ComponentID { try #require(ComponentID(text)) }
    func component(_ kind: ComponentKind, _ name: String, _ state: ComponentState) throws -> ComponentStatus {
        ComponentStatus(
            kind: kind,
            id: try id(name),
            stability: .stable,
            location: nil,
            state: state,
            counts: [.accepted: 12, .deviations: 1],
            lastError: nil,
            queue: nil
        )
    }
    var status = CollectorStatus()
    status.startedAt = try instant("2026-11-22T11:58:30.000Z")
    status.uptimeSeconds = 90
    (status.memory.usedBytes, status.memory.limitBytes) = (1_024, 4_096)
    status.pipelines = [
        PipelineStatus(
            name: "logs/audit",
            signal: .logs,
            receivers: [try id("otlp")],
            processors: [try id("tokens")],
            exporters: [try id("otlp_http/team")],
            accepted: [.receiver: [try id("otlp"): 7], .exporter: [try id("otlp_http/team"): 5]]
        )
    ]
    var exporter = try component(.exporter, "otlp_http/team", .degraded("the hub cannot be reached"))
    exporter.location = "config.yaml:12"
    exporter.lastError = ComponentTrouble(
        message: "connection refused",
        time: try instant("2026-11-22T11:59:00.000Z"),
        count: 3
    )
    exporter.queue = QueueStatus(
        batches: 2,
        bytes: 300,
        capacityBytes: 1_000,
        oldest: try instant("2026-11-22T11:59:50.000Z"),
        stuckSince: nil
    )
    exporter.collectors = [
        StoreCollector(
            id: "1f",
            host: "build-7",
            version: "1.2.3",
            startedAt: try instant("2026-11-22T10:00:00.000Z"),
            lastSeenAt: try instant("2026-11-22T11:59:40.000Z")
        )
    ]
    status.components = [
        exporter, try component(.processor, "tokens", .running), try component(.receiver, "otlp", .running),
    ]
    status.requests = [RequestCount(listener: "127.0.0.1:4318", path: "/v1/logs", code: 415, count: 2)]
    status.intakeProblems = [
        IntakeProblem(
            code: .unsupportedType,
            subject: "/v1/logs",
            client: "sender/1",
            status: 415,
            reason: "the Content-Type must be JSON",
            count: 2,
            firstSeen: try instant("2026-11-22T11:58:40.000Z"),
            lastSeen: try instant("2026-11-22T11:59:00.000Z")
        ),
        IntakeProblem(
            code: .unreadUsage,
            subject: "vendor.usage_details",
            signal: .traces,
            reason: "",
            count: 12,
            firstSeen: try instant("2026-11-22T11:58:40.000Z"),
            lastSeen: try instant("2026-11-22T11:58:50.000Z")
        ),
    ]
    status.intakeProblemCounts = [.unsupportedType: 2, .unreadUsage: 12]
    status.droppedTexts = [
        DroppedText(
            key: "status.message",
            count: 3,
            firstSeen: try instant("2026-11-22T11:58:40.000Z"),
            lastSeen: try instant("2026-11-22T11:58:50.000Z")
        )
    ]
    let said = status
    let table = try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8)).overridden(by: prices)
    return CollectorParts(
        priceTables: [Table(pricing: Pricing(table: table))],
        status: { said },
        reload: { .applied(changes: 2) }
    )
}

private struct Table: PriceTableHolding {
    let pricing: Pricing
}
