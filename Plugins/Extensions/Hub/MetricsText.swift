// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HubAPI
import JSON
import Usage

/// The metrics in Prometheus' text format; all names of metrics are in this file.
struct MetricsText {
    private(set) var text = ""

    /// One value with its labels.
    private struct Sample {
        var labels: [(String, String)]
        var value: String
    }

    private mutating func add(_ name: String, _ type: String, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
            text += labels.isEmpty ? "\(name) \(sample.value)\n" : "\(name){\(labels)} \(sample.value)\n"
        }
    }

    private mutating func add(_ name: String, _ help: String, _ value: (some BinaryInteger)?) {
        if let value { add(name, "gauge", help, [Sample(labels: [], value: "\(value)")]) }
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    // MARK: - The collector

    /// Adds the collector's own metrics.
    mutating func addCollector(_ status: CollectorStatus, version: String, now: Timestamp, residentBytes: Int?) {
        let build = Sample(labels: [("version", version)], value: "1")
        add("hammurabi_build_info", "gauge", "The version of the program; always 1.", [build])
        let start = status.startedAt.map { $0.nanoseconds / 1_000_000_000 }
        add("hammurabi_start_time_seconds", "When the collector began to serve, in seconds since 1970.", start)
        add("hammurabi_memory_used_bytes", "Bytes held for data on its way.", status.memory.usedBytes)
        add(
            "hammurabi_memory_limit_bytes",
            "Bytes that may be held for data on its way; 0 is no limit.",
            status.memory.limitBytes
        )
        add(
            "hammurabi_memory_refusing",
            "1 while telemetry is refused for want of memory.",
            status.memory.isRefusing ? 1 : 0
        )
        add("process_resident_memory_bytes", "Memory that the process holds.", residentBytes)
        var (records, states): ([Sample], [Sample]) = ([], [])
        for component in status.components {
            let labels = Self.labels(component)
            for field in ComponentCounters.Field.allCases where field != .queuedBytes {
                let more = [("outcome", field.rawValue)]
                records.append(Sample(labels: labels + more, value: "\(component.counts[field] ?? 0)"))
            }
            states.append(Sample(labels: labels, value: component.state == .running ? "1" : "0"))
        }
        add("hammurabi_component_records_total", "counter", "Records by what became of them in a component.", records)
        add("hammurabi_component_ok", "gauge", "Whether a component is at work and gets on.", states)
        let restarts = status.components.compactMap { component in
            component.restarts.map { Sample(labels: Self.labels(component), value: "\($0)") }
        }
        add(
            "hammurabi_component_restarts_total",
            "counter",
            "Starts of a plugin's process after it had ended.",
            restarts
        )
        addQueues(status, now)
        addIntake(status)
    }

    private mutating func addQueues(_ status: CollectorStatus, _ now: Timestamp) {
        let queues = status.components.compactMap { component in
            component.queue.map { (Self.labels(component), PipelinesDocument.Queue($0, now)) }
        }
        func samples(_ value: (PipelinesDocument.Queue) -> Int64) -> [Sample] {
            queues.map { Sample(labels: $0, value: "\(value($1))") }
        }
        add("hammurabi_queue_batches", "gauge", "Batches that wait.", samples(\.batches))
        add("hammurabi_queue_bytes", "gauge", "Bytes that wait.", samples(\.bytes))
        add("hammurabi_queue_capacity_bytes", "gauge", "Bytes that may wait.", samples(\.capacityBytes))
        let oldest = samples { $0.oldestAgeSeconds ?? 0 }
        add("hammurabi_queue_oldest_age_seconds", "gauge", "How long the oldest batch has waited.", oldest)
        let stuck = samples { $0.stuckSeconds ?? 0 }
        add(
            "hammurabi_queue_stuck_seconds",
            "gauge",
            "Since when nothing has left the queue although something waits.",
            stuck
        )
    }

    private mutating func addIntake(_ status: CollectorStatus) {
        let requests = status.requests.map { request in
            Sample(
                labels: [("listener", request.listener), ("path", request.path), ("code", "\(request.code)")],
                value: "\(request.count)"
            )
        }
        add(
            "hammurabi_http_requests_total",
            "counter",
            "Requests answered, by the path as a component declares it (other: none does) and status.",
            requests
        )
        let problems = status.intakeProblemCounts.sorted { $0.key.rawValue < $1.key.rawValue }.map { code, count in
            Sample(labels: [("reason", code.rawValue)], value: "\(count)")
        }
        add(
            "hammurabi_intake_problems_total",
            "counter",
            "Requests, connections or records whose telemetry was not taken or not read.",
            problems
        )
    }

    private static func labels(_ component: ComponentStatus) -> [(String, String)] {
        [("kind", component.kind.singular), ("component", component.id.description)]
    }

    // MARK: - Usage

    /// Adds the sums of all counted calls.
    mutating func add(_ series: UsageSeries) {
        for metric in series.metrics where !metric.samples.isEmpty {
            text += "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.type)\n"
            for sample in metric.samples {
                let labels = sample.labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
                let name = metric.name + sample.suffix
                text += labels.isEmpty ? "\(name) \(sample.value)\n" : "\(name){\(labels)} \(sample.value)\n"
            }
        }
    }

    /// Adds the cost of the current month.
    mutating func addUsage(_ month: UsageSummary, budget: Budget.Limit?) {
        // At most 201 models: a summary limits its names.
        let models = month.byModel.mapValues(\.totals).named(adding: +=, by: \.cost)
        func samples(_ value: (UsageTotals) -> String) -> [Sample] {
            models.map { Sample(labels: [("model", $0)], value: value($1)) }
        }
        func dollars(_ money: Money) -> String { JSONNumber(billionths: money.nanodollars).text }
        add(
            "hammurabi_month_cost_dollars",
            "gauge",
            "What the current month cost so far.",
            samples { dollars($0.cost) }
        )
        add("hammurabi_month_calls", "gauge", "Calls of the current month.", samples { "\($0.calls)" })
        add(
            "hammurabi_month_unpriced_calls",
            "gauge",
            "Calls of the current month without a price.",
            samples { "\($0.unpricedCalls)" }
        )
        let tokens = models.flatMap { model, totals in
            [
                ("input", totals.counts.uncachedInput), ("output", totals.counts.output),
                ("cache_read", totals.counts.cacheRead), ("cache_write", totals.counts.cacheWrite),
            ].map { Sample(labels: [("model", model), ("type", $0)], value: "\($1)") }
        }
        add("hammurabi_month_tokens", "gauge", "Tokens of the current month, each in one type.", tokens)
        add("hammurabi_month_sessions", "Sessions with a call in the current month.", month.sessionCount)
        add("hammurabi_active_sessions", "Sessions seen in the last minute.", month.activeSessions)
        if case .cost(let budget) = budget {
            let limit = [Sample(labels: [], value: dollars(budget))]
            add("hammurabi_month_budget_dollars", "gauge", "What may be spent in a month.", limit)
        }
    }
}
