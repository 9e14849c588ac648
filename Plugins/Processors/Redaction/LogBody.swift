// SPDX-License-Identifier: Apache-2.0

import OTLP

/// Tells bodies of log records that carry a message from those that only name an event.
enum LogBody {
    /// Whether the body of a record is a message.
    ///
    /// - Parameter hadMessage: Whether the record's attributes carried one; the body then tells of it, unless it is the event's name.
    static func isMessage(record: Int, of otlp: OTLPBatch, hadMessage: Bool) -> Bool {
        let entry = otlp.records[record]
        switch entry.body {
        case .empty, .bool, .int, .double: return false
        case .string(let slice):
            let name = eventName(of: record, in: otlp)
            let body = otlp.bytes(of: slice)
            if !name.isEmpty, body.count >= name.count, body.suffix(name.count).elementsEqual(name),
                body.count <= name.count + longestNamespace
            {
                return false
            }
            if hadMessage || name.starts(with: "gen_ai.".utf8) { return true }
            return (body.first == UInt8(ascii: "{") || body.first == UInt8(ascii: "[")) && hasMember(body)
        case .bytes: return hadMessage || eventName(of: record, in: otlp).starts(with: "gen_ai.".utf8)
        case .array, .keyValueList:
            if hadMessage || eventName(of: record, in: otlp).starts(with: "gen_ai.".utf8) { return true }
            return hasMember(Array(otlp.text(of: entry.body).utf8)[...])
        }
    }

    /// Claude Code's body is its event's name behind `claude_code.`.
    private static let longestNamespace = 32

    private static func eventName(of record: Int, in otlp: OTLPBatch) -> ArraySlice<UInt8> {
        if case .string(let slice)? = otlp.attribute(.eventName, record: record) { return otlp.bytes(of: slice) }
        return otlp.bytes(of: otlp.records[record].name)
    }

    /// Whether JSON text has a member, at any depth, that a message has; the text is not parsed.
    private static func hasMember(_ text: ArraySlice<UInt8>) -> Bool {
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
