// SPDX-License-Identifier: Apache-2.0

import OTLP

/// Decides whether the body of a log record may stay.
enum LogBody {
    /// Whether the body is a message, or may be one: all text but an event's name and what has the form of a short name.
    ///
    /// - Parameter hadMessage: Whether the record's attributes carried a message; the body is then taken for a part of it, unless it is
    ///   the event's name.
    static func isMessage(_ record: Int, of otlp: OTLPBatch, hadMessage: Bool, _ rules: RedactionRules) -> Bool {
        let value = otlp.records[record].body
        switch value {
        case .empty, .bool, .int, .double: return false
        case .string(let slice):
            let text = otlp.bytes(of: slice)
            let name = eventName(of: record, in: otlp)
            if text.isEmpty || isName(text, name) || text.isNumber { return false }
            return hadMessage || isOfModelCall(name) || !rules.keeps(body: text) || hasMember(text)
        case .bytes:
            return hadMessage || isOfModelCall(eventName(of: record, in: otlp)) || !rules.keepsBytes
        case .array, .keyValueList:
            return hadMessage || isOfModelCall(eventName(of: record, in: otlp))
                || !rules.keeps(inside: value, under: .short, in: otlp)
                || hasMember(Array(otlp.text(of: value).utf8)[...])
        }
    }

    /// Whether a body is the event's name, with or without a namespace.
    private static func isName(_ body: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        !name.isEmpty && body.count >= name.count && body.suffix(name.count).elementsEqual(name)
            && body.count <= name.count + longestNamespace && TextShape.name.fits(body)
    }

    /// Claude Code's body is its event's name behind `claude_code.`.
    private static let longestNamespace = 32

    private static func eventName(of record: Int, in otlp: OTLPBatch) -> ArraySlice<UInt8> {
        if case .string(let slice)? = otlp.attribute(.eventName, record: record) { return otlp.bytes(of: slice) }
        return otlp.bytes(of: otlp.records[record].name)
    }

    /// Whether an event is one of OpenTelemetry's for model calls, whose bodies are messages.
    private static func isOfModelCall(_ name: ArraySlice<UInt8>) -> Bool { name.starts(with: "gen_ai.".utf8) }

    /// Whether JSON text has a member, at any depth, that a message has; the text is not parsed.
    private static func hasMember(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.first == UInt8(ascii: "{") || text.first == UInt8(ascii: "[") else { return false }
        var rest = text
        while let quote = rest.firstIndex(of: UInt8(ascii: "\"")) {
            rest = rest[(quote + 1)...]
            let name = rest.prefix(longestMember + 1).prefix { $0 != UInt8(ascii: "\"") }
            guard name.count <= longestMember else { continue }
            if members.contains(where: { $0.elementsEqual(name) }) { return true }
        }
        return false
    }

    private static let longestMember = 24
    private static let members: [[UInt8]] = MessageContent.bodyMembers.map { Array($0.utf8) }
}
