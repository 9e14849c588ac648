// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// A batch as text for people.
struct BatchText {
    private let batch: Batch
    private let calls: [Call]
    private var lines: [String] = []

    init(_ batch: Batch, _ verbosity: StdoutConfig.Verbosity) {
        self.batch = batch
        calls = Self.calls(of: batch)
        switch verbosity {
        case .basic: lines.append(summary)
        case .normal: appendRecords()
        case .detailed: appendResources()
        }
        if verbosity != .basic { lines += calls.map { CallText.line($0) } }
    }

    /// The lines, each with its line feed.
    var bytes: [UInt8] { lines.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] } }

    /// Sightings of one call are one call here, too, as far as they are in one batch.
    private static func calls(of batch: Batch) -> [Call] {
        var ledger = MemoryLedger()
        // A ledger in memory has nothing that could fail.
        _ = try? ledger.absorb(batch.observations)
        return ledger.calls.filter(\.isCounted).sorted { ($0.time, $0.id) < ($1.time, $1.id) }
            .map { call in
                var call = call
                call.price = batch.pricing?.price(call)
                return call
            }
    }

    private var summary: String {
        let cost = calls.reduce(Money.zero) { $0 + ($1.price?.cost ?? .zero) }
        let unpriced = calls.count { $0.price?.isPriced != true }
        var line =
            "\(batch.receivedAt.iso8601) \(batch.signal) records=\(batch.otlp.recordCount) observations=\(batch.observations.count)"
        line += " calls=\(calls.count) cost=\(CallText.dollars(cost))"
        if unpriced > 0 { line += " unpriced=\(unpriced)" }
        return line
    }

    private mutating func appendRecords() {
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            lines.append(RecordText(batch, record).line)
        }
    }

    private mutating func appendResources() {
        let otlp = batch.otlp
        for resource in otlp.resources.indices {
            let scopes = otlp.resources[resource].scopes
            guard scopes.contains(where: { hasLiveRecord(scope: $0) }) else { continue }
            lines.append("resource")
            appendAttributes(of: .resource(resource))
            for scope in scopes where hasLiveRecord(scope: scope) { appendScope(scope) }
        }
    }

    private mutating func appendScope(_ scope: Int) {
        let entry = batch.otlp.scopes[scope]
        let names = [entry.name, entry.version].map { PrintableText.escape(batch.otlp.string($0)) }.filter {
            !$0.isEmpty
        }
        lines.append((["scope"] + names).joined(separator: " "))
        appendAttributes(of: .scope(scope))
        for record in entry.records where batch.otlp.isLive(record: record) {
            lines.append(RecordText(batch, record).line)
            appendAttributes(of: .record(record))
        }
    }

    private mutating func appendAttributes(of owner: AttributeOwner) {
        for attribute in batch.otlp.attributes(of: owner) {
            let key = PrintableText.escape(batch.otlp.string(attribute.key))
            let value = PrintableText.escape(batch.otlp.text(of: attribute.value))
            lines.append("     -> \(key): \(attribute.kind.label)(\(value))")
        }
    }

    private func hasLiveRecord(scope: Int) -> Bool {
        batch.otlp.scopes[scope].records.contains { batch.otlp.isLive(record: $0) }
    }
}

extension ValueKind {
    /// The name that the OpenTelemetry Collector's debug exporter gives to a kind of value.
    fileprivate var label: String {
        switch self {
        case .empty: "Empty"
        case .string: "Str"
        case .bool: "Bool"
        case .int: "Int"
        case .double: "Double"
        case .array: "Slice"
        case .keyValueList: "Map"
        case .bytes: "Bytes"
        }
    }
}
