// SPDX-License-Identifier: Apache-2.0

import OTLP

/// The body of a log record.
struct LogBody {
    private let value: AttributeValue
    private let otlp: OTLPBatch
    private let record: Int

    init(record: Int, of otlp: OTLPBatch) {
        value = otlp.records[record].body
        self.otlp = otlp
        self.record = record
    }

    /// Whether the body is a message, or may be one: all text but an event's name and what has the form of a short name.
    ///
    /// - Parameter hadMessage: Whether the record's attributes carried a message; the body is then taken for a part of it, unless it is the
    ///   event's name.
    func isMessage(hadMessage: Bool, _ rules: RedactionRules) -> Bool {
        switch value {
        case .empty, .bool, .int, .double: return !otlp.hasStrictBody(record: record)
        case .string(let slice):
            let text = otlp.bytes(of: slice)
            if text.isEmpty || isName(text) || text.isNumber { return !otlp.hasStrictBody(record: record) }
            if hadMessage || isOfModelCall { return true }
            return !rules.keeps(body: text) || isOfMessage(text) || !otlp.hasStrictBody(record: record)
        case .bytes(let slice): return hadMessage || isOfModelCall || !rules.keepsBytes || slice.isEmpty
        case .array, .keyValueList:
            if hadMessage || isOfModelCall { return true }
            let isKept = rules.keeps(inside: value, under: .short, in: otlp)
            return !isKept || isOfMessage(Array(otlp.text(of: value).utf8)[...])
                || !otlp.hasStrictBody(record: record)
        }
    }

    /// Whether a body is the event's name, with or without a namespace.
    private func isName(_ body: ArraySlice<UInt8>) -> Bool {
        let name = eventName
        return !name.isEmpty && body.count >= name.count && body.suffix(name.count).elementsEqual(name)
            && body.count <= name.count + Self.longestNamespace && TextShape.name.fits(body)
    }

    /// Claude Code's body is its event's name behind `claude_code.`.
    private static let longestNamespace = 32

    private var eventName: ArraySlice<UInt8> {
        if case .string(let slice)? = otlp.attribute(.eventName, record: record) { return otlp.bytes(of: slice) }
        return otlp.bytes(of: otlp.records[record].name)
    }

    /// Whether the record is one of OpenTelemetry's for model calls, whose bodies are messages.
    private var isOfModelCall: Bool { eventName.starts(with: "gen_ai.".utf8) }

    /// Whether JSON text has a member, at any depth, that a message has; the text is not parsed.
    private func isOfMessage(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.first == UInt8(ascii: "{") || text.first == UInt8(ascii: "[") else { return false }
        var rest = text
        while let quote = rest.firstIndex(of: UInt8(ascii: "\"")) {
            rest = rest[(quote + 1)...]
            let name = rest.prefix(Self.longestMember + 1).prefix { $0 != UInt8(ascii: "\"") }
            guard name.count <= Self.longestMember else { continue }
            if Self.members.contains(where: { $0.elementsEqual(name) }) { return true }
        }
        return false
    }

    private static let longestMember = 24
    private static let members: [[UInt8]] = MessageContent.bodyMembers.map { Array($0.utf8) }
}
