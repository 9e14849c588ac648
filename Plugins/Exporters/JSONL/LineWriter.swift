// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSON
import OTLP
import SQLiteUsage
import Usage

/// Writes lines; see ``LineFormat``.
struct LineWriter: ~Copyable {
    /// The lines written so far and not yet handed on; the caller empties it.
    var bytes: [UInt8] = []
    /// Writes records, again and again in the same memory.
    private var records = OTLPJSONWriter()
    private var clock = ISOClock()

    /// The version of the format.
    static let version = 1

    /// How much memory is kept for the next lines.
    private static let largestIdleBuffer = 4 << 20
    /// From how many bytes on lines are handed on to the file.
    ///
    /// The system copies what the processor still has at hand four times as fast as what it has to fetch again.
    private static let piece = 256 << 10
    /// Records up to this size are copied behind their line's beginning; larger ones go to the file from where they are.
    private static let copied = 16 << 10

    /// Forgets the lines and keeps their room, unless they were unusually large.
    mutating func clear() {
        if bytes.capacity > Self.largestIdleBuffer { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
    }

    /// Writes a batch with what was learned from it; its records only if the line has an extent.
    ///
    /// What is much goes to the file at once; the rest stays in ``bytes``.
    mutating func write(_ line: UsageLine, _ batch: Batch, to file: inout LineFile) throws {
        begin(receivedAt: batch.receivedAt)
        if let extent = line.extent { write(extent) }
        write(calls: line.calls)
        write(expired: line.expired)
        write(retired: line.retired)
        write(sessions: line.sessions)
        if line.extent != nil { try writeRecords(batch.otlp, to: &file) }
        end()
        if bytes.count >= Self.piece { try handOn(to: &file) }
    }

    private mutating func handOn(to file: inout LineFile) throws {
        try bytes.withUnsafeBytes { try file.add($0) }
        bytes.removeAll(keepingCapacity: true)
    }

    mutating func begin(receivedAt: Timestamp?) {
        bytes.append("{\"version\":1")
        guard let receivedAt else { return }
        bytes.append(key: "receivedAt")
        clock.append(receivedAt, to: &bytes)
    }

    mutating func end() { bytes.append("}\n") }

    /// Says how many records the line holds and which stretch of time they cover.
    mutating func write(_ extent: RecordExtent) {
        bytes.append("records", number: Int64(extent.count))
        bytes.append("earliestUnixNano", unixNano: extent.earliest)
        bytes.append("latestUnixNano", unixNano: extent.latest)
    }

    /// Says up to where the store was compacted.
    mutating func write(_ border: CompactionBorder) {
        guard border != .none else { return }
        bytes.append("compactedUnixNano", unixNano: border.instant)
    }

    /// Writes the records, changes included, under the name OTLP/JSON gives them.
    mutating func writeRecords(_ otlp: OTLPBatch) {
        records.removeAll()
        records.writeRequest(otlp)
        guard records.count > 2 else { return }
        bytes.append(UInt8(ascii: ","))
        records.withBytes { text in
            text.withMembers { bytes.append(contentsOf: $0) }
        }
        forgetLargeRecords()
    }

    /// The same, where many records go to the file at once.
    private mutating func writeRecords(_ otlp: OTLPBatch, to file: inout LineFile) throws {
        records.removeAll()
        records.writeRequest(otlp)
        guard records.count > 2 else { return }
        bytes.append(UInt8(ascii: ","))
        if records.count > Self.copied { try handOn(to: &file) }
        let goesToFile = bytes.isEmpty
        try records.withBytes { text in
            try text.withMembers { members in
                if goesToFile { try file.add(members) } else { bytes.append(contentsOf: members) }
            }
        }
        forgetLargeRecords()
    }

    private mutating func forgetLargeRecords() {
        if records.count > Self.largestIdleBuffer { records = OTLPJSONWriter() }
    }

    mutating func write(calls: [PricedEntry]) {
        guard !calls.isEmpty else { return }
        bytes.append(key: "calls")
        list(calls) { bytes, kept in
            bytes.append(UInt8(ascii: "{"))
            Self.write(kept.entry.call, to: &bytes)
            Self.write(kept.price, to: &bytes)
            Self.write(kept.entry.observations, to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Writes calls that are too old to count and only there to be recognised.
    mutating func write(expired: [LedgerEntry]) {
        guard !expired.isEmpty else { return }
        bytes.append(key: "expired")
        list(expired) { bytes, entry in
            bytes.append(UInt8(ascii: "{"))
            bytes.append("callId", hash: entry.call.id)
            Self.write(entry.observations, to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
    }

    mutating func write(retired: [UInt64]) {
        guard !retired.isEmpty else { return }
        bytes.append(key: "retired")
        list(retired) { bytes, id in bytes.append(hash: id) }
    }

    mutating func write(sessions: [SessionEntry]) {
        guard !sessions.isEmpty else { return }
        bytes.append(key: "sessions")
        list(sessions) { bytes, session in session.write(to: &bytes) }
    }

    private mutating func list<Element>(_ elements: [Element], _ write: (inout [UInt8], borrowing Element) -> Void) {
        bytes.append(UInt8(ascii: "["))
        for position in elements.indices {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            write(&bytes, elements[position])
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// The members of a call under the names and in the units of the API.
    private static func write(_ call: borrowing Call, to bytes: inout [UInt8]) {
        let origin = call.origin.value
        bytes.append("callId", hash: call.id)
        bytes.append("timestamp", text: call.time.iso8601)
        bytes.append("sessionId", text: origin.session)
        bytes.append("agent", text: origin.agent)
        bytes.append("provider", text: origin.provider)
        bytes.append("model", text: origin.model)
        bytes.append("project", text: origin.project)
        bytes.append("user", text: origin.user)
        bytes.append("machine", text: origin.machine)
        bytes.append("team", text: origin.team)
        bytes.append("counted", flag: call.isCounted)
        bytes.append("inputTokens", number: call.counts.uncachedInput)
        bytes.append("outputTokens", number: call.counts.output)
        bytes.append("cacheReadTokens", number: call.counts.cacheRead)
        bytes.append("cacheWriteTokens", number: call.counts.cacheWrite)
        bytes.append("reasoningTokens", number: call.counts.reasoning)
        if let duration = call.duration { bytes.append("durationMs", number: duration / 1_000_000) }
        bytes.append("reportedCost", money: call.reportedCost)
        bytes.append("error", text: call.error)
        bytes.append(key: "sources")
        bytes.append(UInt8(ascii: "["))
        for (position, source) in call.sources.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(jsonString: source.name)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static func write(_ price: CallPrice, to bytes: inout [UInt8]) {
        bytes.append("cost", money: price.cost)
        bytes.append("priced", flag: price.isPriced)
        bytes.append("computedCost", money: price.computed)
    }

    private static func write(_ observations: [Observation], to bytes: inout [UInt8]) {
        bytes.append(key: "observations")
        bytes.append(UInt8(ascii: "["))
        for position in observations.indices {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            observations[position].write(to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }
}

extension RawSpan {
    /// Passes what is between the braces of an object: members that may continue another.
    fileprivate func withMembers(_ read: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        try extracting(1..<byteCount - 1).withUnsafeBytes(read)
    }
}
