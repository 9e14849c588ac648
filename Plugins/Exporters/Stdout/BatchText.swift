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

    /// Observations of one call in the batch are joined here, too.
    private static func calls(of batch: Batch) -> [Call] {
        var ledger = MemoryLedger()
        // A ledger in memory cannot fail.
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
    /// The name of a kind of value in the OpenTelemetry Collector's debug exporter.
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

/// One model call as a line of text.
enum CallText {
    /// Time, agent, session and model, tokens by bucket, and the cost or `unpriced`.
    static func line(_ call: Call) -> String {
        let counts = call.counts
        let pairs: [(String, String?)] = [
            ("agent", call.agent), ("session", call.session), ("model", call.model),
            ("input", "\(counts.uncachedInput)"), ("cache_read", "\(counts.cacheRead)"),
            ("cache_write", "\(counts.cacheWrite)"), ("output", "\(counts.output)"),
            ("reasoning", "\(counts.reasoning)"), ("error", call.error),
        ]
        let cost = call.price.flatMap { $0.isPriced ? "cost=\(dollars($0.cost))" : nil } ?? "unpriced"
        let known = pairs.compactMap { key, value in value.map { PrintableText.pair(key, $0) } }
        return (["\(call.time.iso8601) call"] + known + [cost]).joined(separator: " ")
    }

    /// An amount as `$1.25`: exact, with at least two decimals.
    static func dollars(_ money: Money) -> String {
        let (whole, rest) = money.nanodollars.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        var decimals = String(String(rest + 1_000_000_000).dropFirst())
        while decimals.utf8.count > 2, decimals.last == "0" { decimals.removeLast() }
        return "\(money.nanodollars < 0 ? "-" : "")$\(whole).\(decimals)"
    }
}

/// One span, log record or data point as a line of text.
struct RecordText {
    private let batch: Batch
    private let index: Int

    init(_ batch: Batch, _ index: Int) {
        self.batch = batch
        self.index = index
    }

    /// Time, kind and name, then further values as pairs.
    var line: String {
        let head = "\(time.iso8601) \(kind) \(PrintableText.escape(name))"
        return ([head] + pairs.map { PrintableText.pair($0, $1) }).joined(separator: " ")
    }

    private var record: RecordEntry { batch.otlp.records[index] }

    /// For log records without a time, the time at which they were observed.
    private var time: Timestamp {
        Timestamp(unixNano: record.time) ?? Timestamp(unixNano: record.observedTime) ?? batch.receivedAt
    }

    private var kind: String {
        switch batch.signal {
        case .traces: "span"
        case .logs: "log"
        case .metrics: "point"
        }
    }

    private var name: String {
        let slice = record.metric.map { batch.otlp.metrics[$0].name } ?? record.name
        if !slice.isEmpty { return batch.otlp.string(slice) }
        return batch.otlp.attribute(.eventName, record: index).map { batch.otlp.text(of: $0) } ?? "-"
    }

    private var pairs: [(String, String)] {
        var pairs: [(String, String)] = []
        if let service = batch.otlp.inheritedAttribute(.serviceName, record: index) {
            pairs.append(("service", batch.otlp.text(of: service)))
        }
        if let session { pairs.append(("session", session)) }
        switch batch.signal {
        case .traces: pairs += spanPairs
        case .logs where record.bodyKind != .empty: pairs.append(("body", batch.otlp.text(of: record.body)))
        case .logs: break
        case .metrics: pairs += pointPairs
        }
        return pairs
    }

    private var session: String? { batch.sessions[record: index]?.id }

    private var spanPairs: [(String, String)] {
        var pairs: [(String, String)] = []
        if record.endTime >= record.startTime, record.startTime > 0 {
            pairs.append(("duration", "\((record.endTime - record.startTime) / 1_000_000)ms"))
        }
        if record.statusCode == 2 { pairs.append(("status", "error")) }
        return pairs
    }

    private var pointPairs: [(String, String)] {
        var pairs: [(String, String)] = []
        if let distribution = batch.otlp.distribution(record: index) {
            pairs.append(("count", "\(distribution.count)"))
            if let sum = distribution.sum { pairs.append(("sum", "\(sum)")) }
        } else if record.bodyKind != .empty {
            pairs.append(("value", batch.otlp.text(of: record.body)))
        }
        if let metric = record.metric {
            let unit = batch.otlp.string(batch.otlp.metrics[metric].unit)
            if !unit.isEmpty { pairs.append(("unit", unit)) }
        }
        return pairs
    }
}

/// Makes external text safe for a terminal.
enum PrintableText {
    /// The text with everything escaped that moves the cursor, changes colours or reorders the text.
    static func escape(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isUnsafe(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A pair as in logfmt: `key=value`, with the value in quotes when its end would be unclear.
    static func pair(_ key: String, _ value: String) -> String {
        let value = escape(value)
        guard value.isEmpty || value.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else {
            return "\(key)=\(value)"
        }
        return "\(key)=\"\(value.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        // Format characters reorder text, except the joiners, which only shape letters and emoji.
        case .control, .lineSeparator, .paragraphSeparator: true
        case .format: !(0x200C...0x200D).contains(scalar.value)
        default: false
        }
    }
}
