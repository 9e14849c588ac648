// SPDX-License-Identifier: Apache-2.0

import JSON
import OTLP
import Usage

/// Collects the records of one agent into a request of bounded size.
struct RecordSink {
    private let agent: Agent
    private let machine: String?
    private var builder: LogBatchBuilder
    /// How many calls there are that no earlier part of the scan had.
    private(set) var callCount = 0
    private var seen: SeenCalls
    /// The type of the line that is being read, when nobody has told us of it.
    private var unknownType: String?

    /// As much of an unknown type is kept.
    private static let longestType = 64

    /// A request is handed on when it holds this much.
    static let recordLimit = 500
    static let byteLimit = 1 << 20

    init(agent: Agent, machine: String?, seen: SeenCalls) {
        self.agent = agent
        self.machine = machine
        self.seen = seen
        var resource = [LogRecordDraft.Attribute(AttributeKey.serviceName.name, .string(agent.rawValue))]
        if let machine { resource.append(LogRecordDraft.Attribute(AttributeKey.hostName.name, .string(machine))) }
        builder = LogBatchBuilder(resource: resource, scopeName: SessionRecord.scope)
    }

    var isEmpty: Bool { builder.recordCount == 0 }

    var recordCount: Int { builder.recordCount }

    var isFull: Bool { builder.recordCount >= Self.recordLimit || builder.byteCount >= Self.byteLimit }

    mutating func add(_ call: borrowing CallRecord) {
        call.write(to: &builder)
        if seen.insert(call.identity) { callCount += 1 }
    }

    mutating func add(_ facts: SessionFacts) { facts.write(to: &builder) }

    /// Says that nobody has told us of the type of the line.
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
    func insert(_ identity: UInt64) -> Bool {
        guard identity != 0, identities.count < Self.capacity else { return !identities.contains(identity) }
        return identities.insert(identity).inserted
    }
}

/// The agents whose session files are read; the raw value is the name of their service.
enum Agent: String, CaseIterable {
    case claudeCode = "claude-code"
    case codex
}
