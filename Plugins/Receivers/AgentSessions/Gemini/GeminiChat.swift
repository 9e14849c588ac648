// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// What the path of a chat says: `<project>/chats/session-….jsonl`, or `<project>/chats/<parent>/<session>.jsonl` of a sub-agent.
struct GeminiPlace: Equatable {
    var session: String
    var parent: String?
    /// The name of the project, where it is no hash of its path.
    var project: String?

    init(_ relative: String) {
        let parts = relative.split(separator: "/").map(String.init)
        let name = parts.last ?? relative
        session = name.hasSuffix(".json") ? String(name.dropLast(5)) : SessionPlace.stem(name)
        if let chats = parts.lastIndex(of: "chats"), parts.count - chats == 3 { parent = parts[chats + 1] }
        if let first = parts.first, !(first.utf8.count == 64 && first.allSatisfy(\.isHexDigit)) { project = first }
    }
}

/// Reads a chat of Gemini CLI, as lines or as one document.
///
/// A message is written again whole whenever it changes, first without tokens; `$set` repeats the whole history after a compression, and a
/// resumed `.json` has a `.jsonl` beside it: all copies have one id. What was pruned or rewound was billed.
struct GeminiChat: StoreParser {
    private let place: GeminiPlace
    private let projects: ProjectNames
    /// The newest message, because the next line is often a newer copy of it.
    private var pending: Message?

    fileprivate struct Message {
        var id: String?
        var time: Timestamp?
        var model: String?
        var isAnswer = false
        var usage: StoreUsage?
    }

    init(_ place: GeminiPlace, projects: ProjectNames) {
        (self.place, self.projects) = (place, projects)
    }

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        guard text.base[0] == UInt8(ascii: "{") else { throw .cutOff }
        if state.session == nil { (state.parent, state.project) = (place.parent, place.project) }
        var json = JSONScanner(text)
        var message = Message()
        var messages: [Message] = []
        do throws(LineFault) {
            try json.members { key, json throws(LineFault) in
                switch key {
                case "sessionId": state.session = try json.string() ?? state.session
                case "directories":
                    try json.elements { json throws(LineFault) in
                        let folder = try json.string()
                        state.project = folder.flatMap { projects.key(of: $0) } ?? state.project
                    }
                case "startTime", "lastUpdated": state.note(time: try json.instant())
                case "messages": try Self.read(&json, into: &messages)
                case "$set":
                    try json.members { key, json throws(LineFault) in
                        guard key.equals("messages") else { return false }
                        try Self.read(&json, into: &messages)
                        return true
                    }
                default: return try message.read(key, &json)
                }
                return true
            }
        } catch {
            // Of a torn document what is before the tear counts.
            for message in messages { hold(message, &state, into: &sink) }
            throw error
        }
        if message.id != nil { messages.append(message) }
        for message in messages { hold(message, &state, into: &sink) }
    }

    mutating func flush(_ state: inout StoreState, into sink: inout RecordSink) {
        if let pending { add(pending, &state, into: &sink) }
        pending = nil
    }

    private static func read(_ json: inout JSONScanner, into messages: inout [Message]) throws(LineFault) {
        try json.elements { json throws(LineFault) in
            var message = Message()
            try json.members { key, json throws(LineFault) in try message.read(key, &json) }
            messages.append(message)
        }
    }

    private mutating func hold(_ message: Message, _ state: inout StoreState, into sink: inout RecordSink) {
        state.note(time: message.time)
        guard message.isAnswer, message.id != nil else { return }
        if let pending, pending.id == message.id {
            if message.usage != nil { self.pending = message }
            return
        }
        flush(&state, into: &sink)
        pending = message
    }

    private func add(_ message: Message, _ state: inout StoreState, into sink: inout RecordSink) {
        guard let id = message.id else { return }
        guard let usage = message.usage, !usage.isZero else {
            return sink.omit("message \(id): it has no tokens yet")
        }
        let session = state.session ?? place.session
        state.session = session
        var call = CallRecord(usage, time: message.time ?? Timestamp(nanoseconds: state.lastSeen), session: session)
        call.lineage = "gemini:\(session):\(id)"
        call.model = message.model
        call.project = state.project
        sink.add(call)
    }
}

extension GeminiChat.Message {
    /// Reads a member of a message; false when it is not wanted.
    fileprivate mutating func read(_ key: JSONScanner.Text, _ json: inout JSONScanner) throws(LineFault) -> Bool {
        switch key {
        case "id": id = try json.string()
        case "timestamp": time = try json.instant()
        case "type": isAnswer = try json.text()?.equals("gemini") ?? false
        case "model": model = try json.string()
        case "tokens": try readTokens(&json)
        default: return false
        }
        return true
    }

    /// `input` contains `cached`, `output` leaves `thoughts` out.
    private mutating func readTokens(_ json: inout JSONScanner) throws(LineFault) {
        var (usage, thoughts, hasTokens) = (StoreUsage(), Int64(0), false)
        try json.members { key, json throws(LineFault) in
            switch key {
            case "input": usage.input = try json.count() ?? 0
            case "output": usage.output = try json.count() ?? 0
            case "cached": usage.cacheRead = try json.count() ?? 0
            case "thoughts": thoughts = try json.count() ?? 0
            default: return false
            }
            hasTokens = true
            return true
        }
        usage.excludeCache()
        usage.output += thoughts
        usage.reasoning = thoughts
        self.usage = hasTokens ? usage : nil
    }
}
