// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Synchronization
import Usage

/// Writes the usage and cost of calls onto the records that report them, so that any backend can chart tokens and money.
///
/// A call may be reported by several records: two libraries create a span each, an agent sends a log event in addition to its span. A
/// backend adds up all records, so tokens and cost are written onto only one record of a call, within a batch and across batches and
/// signals as far back as is remembered; each record of a call gets `hammurabi.call.id`, by which a backend can group them. A span that
/// repeats what its descendants report gets nothing.
///
/// Attributes of the sender are kept: only missing ones are added, with the names and meaning of OpenTelemetry's conventions
/// (`gen_ai.usage.input_tokens` contains cached tokens). The cost is in `hammurabi.cost.usd`, and in `gen_ai.usage.cost`, which
/// backends read (open-telemetry/semantic-conventions-genai#443, BerriAI/litellm#29741). Spans get the operation and the requested
/// model, without which Arize Phoenix does not treat them as model calls.
///
/// Safe to use from any thread.
final class UsageAttributes: Sendable {
    private let memory: Mutex<Memory>

    /// - Parameter capacity: How many of the latest calls are remembered, about 1 kB each.
    init(capacity: Int = 16_384) {
        memory = Mutex(Memory(capacity: capacity))
    }

    /// A batch with its usage written onto the records.
    struct Written {
        var batch: Batch
        /// The observations whose records have the figures of their calls.
        fileprivate var carriers: [UInt64] = []
    }

    /// Writes the usage onto the records of a batch.
    ///
    /// The figures count as sent from then on; if the batch is refused, ``withdraw(_:)`` must be called.
    func write(on batch: Batch) -> Written {
        var written = Written(batch: batch)
        let live = batch.observations.indices.filter { position in
            let record = Int(batch.observations[position].record)
            return batch.otlp.records.indices.contains(record) && batch.otlp.isLive(record: record)
        }
        guard !live.isEmpty else { return written }
        memory.withLock { memory in
            memory.learn(batch.observations)
            var calls: [Int64: [Int]] = [:]
            var order: [Int64] = []
            for position in live {
                guard let ref = memory.call(of: batch.observations[position].id) else { continue }
                if calls[ref] == nil { order.append(ref) }
                calls[ref, default: []].append(position)
            }
            for ref in order {
                guard let entry = memory.ledger.entries[ref], entry.call.isCounted else { continue }
                let reports = (calls[ref] ?? []).map { batch.observations[$0] }.filter { !$0.trace.isRollUp }
                for report in reports {
                    let record = Int(report.record)
                    written.batch.otlp.set("hammurabi.call.id", to: .string(entry.call.name), record: record)
                }
                guard !memory.isSent(entry), let carrier = Self.carrier(of: reports, in: batch.otlp) else { continue }
                memory.carriers.insert(carrier.id)
                written.carriers.append(carrier.id)
                let price = batch.pricing?.price(entry.call)
                write(carrier, cost: price.flatMap { $0.isPriced ? $0.cost : nil }, on: &written.batch.otlp)
            }
            memory.forgetOldest()
        }
        return written
    }

    /// Undoes that the figures of a batch count as sent: another record of these calls may have them.
    func withdraw(_ written: Written) {
        memory.withLock { $0.carriers.subtract(written.carriers) }
    }

    /// The record that gets the figures: one on which the sender wrote a cost, which a backend counts anyway, else the one with the
    /// highest priority.
    private static func carrier(of reports: [Observation], in batch: OTLPBatch) -> Observation? {
        func rank(_ report: Observation) -> (Int, Int, UInt64) {
            let hasCost = batch.attribute(.genAIUsageCost, record: Int(report.record)) != nil
            return (hasCost ? 0 : 1, -Int(report.priority), report.id)
        }
        return reports.min { rank($0) < rank($1) }
    }

    /// Writes the record's own figures, which never contradict its attributes, and the cost from all observations of the call.
    private func write(_ report: Observation, cost: Money?, on batch: inout OTLPBatch) {
        let (record, counts) = (Int(report.record), report.counts)
        // A sender that reports only a cost has not said that there were no tokens.
        let areKnown = !counts.isZero
        let tokens: [(AttributeKey, Int64, Bool)] = [
            (.genAIUsageInputTokens, counts.prompt, areKnown), (.genAIUsageOutputTokens, counts.output, areKnown),
            (.genAIUsageCacheReadInputTokens, counts.cacheRead, false),
            (.genAIUsageCacheCreationInputTokens, counts.cacheWrite, false),
            (.genAIUsageReasoningOutputTokens, counts.reasoning, false),
        ]
        for (key, value, isAlways) in tokens where value > 0 || isAlways { fill(key, .int(value), record, &batch) }
        if batch.signal == .traces {
            fill(.genAIOperationName, .string(Self.operation(of: record, in: batch)), record, &batch)
            if let model = report.model { fill(.genAIRequestModel, .string(model), record, &batch) }
        }
        if let model = report.model { fill(.genAIResponseModel, .string(model), record, &batch) }
        if let provider = report.provider { fill(.genAIProviderName, .string(provider), record, &batch) }
        guard let cost else { return }
        fill(.genAIUsageCost, .double(cost.dollars), record, &batch)
        batch.set("hammurabi.cost.usd", to: .double(cost.dollars), record: record)
    }

    private func fill(_ key: AttributeKey, _ value: AttributeScalar, _ record: Int, _ batch: inout OTLPBatch) {
        guard batch.attribute(key, record: record) == nil else { return }
        batch.overlay.append(key, value, toRecord: record)
    }

    /// The operation in the terms of the conventions, translated from those of other libraries.
    private static func operation(of record: Int, in batch: OTLPBatch) -> String {
        func text(_ key: AttributeKey) -> String? {
            guard case .string(let slice)? = batch.attribute(key, record: record) else { return nil }
            return batch.string(slice).lowercased()
        }
        switch text(.llmRequestType) ?? text(.openinferenceSpanKind) ?? text(.langfuseObservationType) {
        case "embedding", "embeddings": return "embeddings"
        case "completion": return "text_completion"
        default: return "chat"
        }
    }
}

/// The latest calls, and whether their figures were sent.
private struct Memory {
    private let capacity: Int
    private(set) var ledger = MemoryLedger()
    /// The observations whose records have the figures of their calls.
    var carriers: Set<UInt64> = []
    /// The call of each observation, as the number of its entry.
    private var calls: [UInt64: Int64] = [:]
    private var oldest: Int64 = 1

    init(capacity: Int) { self.capacity = capacity }

    /// Adds observations, to join those of one call.
    mutating func learn(_ observations: [Observation]) {
        guard let change = try? ledger.absorb(observations) else { return }
        for entry in change.retired {
            for observation in entry.observations { calls[observation.id] = nil }
        }
        for entry in change.entries {
            for observation in entry.observations { calls[observation.id] = entry.ref }
        }
    }

    func call(of observation: UInt64) -> Int64? { calls[observation] }

    /// Whether a record with the figures of a call was sent, or is being sent.
    func isSent(_ entry: LedgerEntry) -> Bool { entry.observations.contains { carriers.contains($0.id) } }

    /// Removes the calls that changed longest ago when there are too many.
    mutating func forgetOldest() {
        while ledger.entries.count > capacity {
            if let entry = ledger.remove(oldest) {
                for observation in entry.observations {
                    calls[observation.id] = nil
                    carriers.remove(observation.id)
                }
            }
            oldest += 1
        }
    }
}
