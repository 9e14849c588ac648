// SPDX-License-Identifier: Apache-2.0

import JSON
import OTLP
import Usage

/// Collects the records of one agent: into a request of bounded size, or as a list to be looked at first.
struct RecordSink {
    private var builder: LogBatchBuilder
    /// How many calls there are that no earlier part of the scan had.
    private(set) var callCount = 0
    private let seen: SeenCalls
    /// What was read, in order; nil where it is written into a request.
    private(set) var findings: [Finding]?
    /// Whether what is not counted is listed with its reason, for a person who asks.
    let explains: Bool
    /// What of a document or a database could not be read, and the number of its part.
    private var faults: [(fault: LineFault, part: Int64?)] = []
    /// The type of the line that is being read, when it is not known.
    private var unknownType: String?

    /// What a reader found.
    enum Finding {
        case call(CallRecord)
        case facts(SessionFacts)
        /// Something that looks like usage and is not counted, with the reason.
        case omitted(String)
    }

    /// As much of an unknown type is kept.
    private static let longestType = 64

    /// A request is handed on when it holds this much.
    static let recordLimit = 500
    static let byteLimit = 1 << 20

    /// Begins a request.
    ///
    /// - Parameter service: The agent's name as it is reported.
    init(service: String, machine: String?, seen: SeenCalls) {
        (self.seen, explains) = (seen, false)
        var resource = [LogRecordDraft.Attribute(AttributeKey.serviceName.name, .string(service))]
        if let machine { resource.append(LogRecordDraft.Attribute(AttributeKey.hostName.name, .string(machine))) }
        builder = LogBatchBuilder(resource: resource, scopeName: SessionFileRecord.scope)
    }

    /// Begins a list.
    ///
    /// - Parameter explains: Whether omissions are listed, too.
    init(listing explains: Bool = false) {
        (seen, self.explains, findings) = (SeenCalls(), explains, [])
        builder = LogBatchBuilder(resource: [], scopeName: SessionFileRecord.scope)
    }

    var isEmpty: Bool { builder.recordCount == 0 }

    var recordCount: Int { builder.recordCount }

    var isFull: Bool { builder.recordCount >= Self.recordLimit || builder.byteCount >= Self.byteLimit }

    mutating func add(_ call: CallRecord) {
        guard findings == nil else { return findings?.append(.call(call)) ?? () }
        call.write(to: &builder)
        if seen.insert(call) { callCount += 1 }
    }

    mutating func add(_ facts: SessionFacts) {
        guard findings == nil else { return findings?.append(.facts(facts)) ?? () }
        facts.write(to: &builder)
    }

    /// Adds a report of a limit, which is never listed: it is no part of a session.
    mutating func add(_ limit: LimitRecord) {
        if findings == nil { limit.write(to: &builder) }
    }

    /// Adds what was listed by another sink.
    mutating func add(_ finding: Finding) {
        switch finding {
        case .call(let call): add(call)
        case .facts(let facts): add(facts)
        case .omitted(let reason): omit(reason)
        }
    }

    /// Notes that something that looks like usage is not counted; costs nothing where no person asks.
    mutating func omit(_ reason: @autoclosure () -> String) {
        if explains { findings?.append(.omitted(reason())) }
    }

    /// Notes that a part of a document or a database cannot be read.
    ///
    /// - Parameter part: The number of the element or row; nil for the whole.
    mutating func note(_ fault: LineFault, part: Int64?) {
        if faults.count < FileFaults.limitOfAll { faults.append((fault, part)) }
    }

    /// The faults that were noted since they were last asked for.
    mutating func takeFaults() -> [(fault: LineFault, part: Int64?)] {
        defer { faults = [] }
        return faults
    }

    /// The list since it was last asked for.
    mutating func takeFindings() -> [Finding] {
        guard let list = findings else { return [] }
        findings = []
        return list
    }

    /// Says that the type of the line is not known.
    mutating func skip(unknownType type: JSONScanner.Text) {
        let bytes = LineBytes(base: type.bytes.base, count: min(type.bytes.count, Self.longestType))
        unknownType = JSONScanner.Text(bytes: bytes).string
    }

    /// The unknown type of the line that was just read; nil when it is known.
    mutating func takeUnknownType() -> String? {
        guard unknownType != nil else { return nil }
        defer { unknownType = nil }
        return unknownType
    }

    /// The finished request; the sink is used up.
    consuming func finish() -> [UInt8] { builder.finish() }
}

/// The calls that a scan has met, so that copies in several files are counted as one; bounded.
final class SeenCalls {
    private var identities: Set<UInt64> = []

    /// Beyond this many, copies of a call that lie far apart are reported as new; the ledger still counts them once.
    private static let capacity = 1 << 18

    /// Whether the call is new.
    ///
    /// Two stores of one agent can have different names for a call, or one of them none, and its place in the session in common.
    func insert(_ call: CallRecord) -> Bool {
        guard call.event == .storeCall, let place = call.lineage else { return insert(call.identity) }
        let (named, unnamed) = (CallRecord.identity(ofPlace: place + " named"), CallRecord.identity(ofPlace: place))
        if call.key == nil, call.response == nil {
            let isKnown = identities.contains(named)
            return insert(unnamed) && !isKnown
        }
        _ = insert(named)
        let isKnown = identities.contains(unnamed)
        return insert(call.identity) && !isKnown
    }

    private func insert(_ identity: UInt64) -> Bool {
        guard identity != 0, identities.count < Self.capacity else { return !identities.contains(identity) }
        return identities.insert(identity).inserted
    }
}
