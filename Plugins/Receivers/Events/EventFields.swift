// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import Usage

/// The members of an event or heartbeat by their standard names, whatever spelling the sender used.
struct EventFields: Decodable {
    private var values: [String: EventValue]

    /// For each name the other spellings that older clients use, in order of precedence.
    private static let spellings: [String: [String]] = [
        "sessionId": ["session_id"], "event": [], "inputTokens": ["input_tokens"], "outputTokens": ["output_tokens"],
        "cacheReadTokens": ["cache_read_tokens"], "cacheWriteTokens": ["cache_write_tokens"],
        "reasoningTokens": ["reasoning_tokens"], "model": [], "provider": [], "agentName": ["agent", "agent_name"],
        "project": [], "user": [], "team": [], "taskStatus": ["task_status", "currentTask", "task"],
        "cost": ["costUsd", "cost_usd"], "duration": ["durationMs", "duration_ms"], "timestamp": ["createdAt"],
        "id": [], "status": [], "completed": [],
    ]

    /// All accepted names of members.
    static let names = Set(spellings.flatMap { [$0.key] + $0.value })

    init(from decoder: any Decoder) throws {
        values = try decoder.singleValueContainer().decode([String: EventValue].self)
    }

    /// The value under a name or one of its other spellings, with the spelling; null counts as missing.
    private func value(_ name: String) -> (spelling: String, value: EventValue)? {
        for spelling in [name] + (Self.spellings[name] ?? []) {
            if let value = values[spelling], value != .null { return (spelling, value) }
        }
        return nil
    }

    /// A non-empty text.
    ///
    /// - Parameter limit: Its largest size in bytes; nil for names, which `tokens` cuts and counts like those of OTLP (``NameLimit``).
    func text(_ name: String, limit: Int? = nil) throws(EventFieldError) -> String? {
        guard let (spelling, value) = value(name) else { return nil }
        guard case .text(let text) = value else { throw EventFieldError(spelling, "must be a string") }
        guard let limit else { return text.isEmpty ? nil : text }
        guard text.utf8.count <= limit else { throw EventFieldError(spelling, "must have at most \(limit) bytes") }
        return text.isEmpty ? nil : text
    }

    /// A non-negative whole number.
    func count(_ name: String) throws(EventFieldError) -> Int64? {
        guard let number = try number(name, "a whole number") else { return nil }
        guard let count = Int64(exactly: number.value), (0...TokenCounts.limit).contains(count) else {
            throw EventFieldError(number.spelling, "must be a whole number from 0 to \(TokenCounts.limit)")
        }
        return count
    }

    /// A non-negative number.
    func amount(_ name: String, limit: Double) throws(EventFieldError) -> Double? {
        guard let number = try number(name, "a number") else { return nil }
        guard (0...limit).contains(number.value) else {
            throw EventFieldError(number.spelling, "must be a number from 0 to \(Int64(limit))")
        }
        return number.value
    }

    private func number(_ name: String, _ kind: String) throws(EventFieldError) -> (spelling: String, value: Double)? {
        guard let (spelling, value) = value(name) else { return nil }
        switch value {
        case .number(let number): return (spelling, number)
        case .text(let text):
            if text.isEmpty { return nil }
            if let number = Self.decimal(text) { return (spelling, number) }
        default: break
        }
        throw EventFieldError(spelling, "must be \(kind)")
    }

    /// The number in a text in JSON's syntax (RFC 8259 section 6): `1e3` is one; `0x10`, `+5`, `inf` and `nan` are not.
    private static func decimal(_ text: String) -> Double? {
        var reader = JSONReader(Array(text.utf8))
        guard let range = try? reader.numberRange(), range == 0..<text.utf8.count, let number = Double(text),
            number.isFinite
        else { return nil }
        return number
    }

    /// A time, ISO 8601 or milliseconds since 1970.
    func instant(_ name: String) throws(EventFieldError) -> Timestamp? {
        guard let (spelling, value) = value(name) else { return nil }
        let time: Timestamp? =
            switch value {
            case .number(let number): Self.instant(milliseconds: number)
            // A time without a zone is UTC, as Python writes it.
            case .text(let text):
                Timestamp(iso8601: text) ?? Timestamp(iso8601: text + "Z")
                    ?? Self.decimal(text).flatMap(Self.instant(milliseconds:))
            default: nil
            }
        guard let time, time.nanoseconds > 0 else {
            throw EventFieldError(
                spelling,
                "must be an instant such as \"2026-11-22T08:13:37.999Z\" or milliseconds since 1970"
            )
        }
        return time
    }

    private static func instant(milliseconds: Double) -> Timestamp? {
        Int64(exactly: milliseconds.rounded(.down)).flatMap(Timestamp.init(milliseconds:))
    }

    /// A Boolean.
    func flag(_ name: String) throws(EventFieldError) -> Bool? {
        guard let (spelling, value) = value(name) else { return nil }
        switch value {
        case .flag(let flag): return flag
        case .text("true"), .number(1): return true
        case .text("false"), .number(0): return false
        default: throw EventFieldError(spelling, "must be true or false")
        }
    }
}

/// The value of one member.
enum EventValue: Decodable, Equatable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    /// A list or an object, which no known member has.
    case compound

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .compound
        }
    }
}

/// An invalid member.
struct EventFieldError: Error {
    let field: String
    let rule: String

    init(_ field: String, _ rule: String) {
        self.field = field
        self.rule = rule
    }
}
