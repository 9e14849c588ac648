// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Reads a session of pi: a tree of entries, of which every branch was billed.
///
/// A fork copies entries into another file with their ids and times (basecamp/omarchy#8564): the id of the answer names a call or, where there is
/// none, the entry's id and time. Usage is also on results of tools, compactions and summaries of branches. What a compaction keeps of the
/// history (`retainedTail`) are copies and is not looked into.
struct PiSession: StoreParser {
    private let session: String
    private let projects: ProjectNames

    init(_ session: String, projects: ProjectNames) {
        (self.session, self.projects) = (session, projects)
    }

    /// The session in the name of a file, `<time>_<uuid>.jsonl`.
    static func id(inName name: String) -> String {
        let stem = SessionPlace.stem(name)
        return stem.split(separator: "_").last.map(String.init) ?? stem
    }

    fileprivate struct Entry {
        var type: JSONScanner.Text?
        var role: JSONScanner.Text?
        var id: JSONScanner.Text?
        var timestamp: JSONScanner.Text?
        var folder: JSONScanner.Text?
        var parent: JSONScanner.Text?
        var name: JSONScanner.Text?
        var provider: JSONScanner.Text?
        var model: JSONScanner.Text?
        var response: JSONScanner.Text?
        var usage: PiUsage?
    }

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        var json = JSONScanner(text)
        var entry = Entry()
        try json.members { key, json throws(LineFault) in
            switch key {
            case "type": entry.type = try json.text()
            case "id": entry.id = try json.text()
            case "timestamp": entry.timestamp = try json.text()
            case "cwd": entry.folder = try json.text()
            case "parentSession": entry.parent = try json.text()
            case "name": entry.name = try json.text()
            case "provider": entry.provider = try json.text()
            case "model", "modelId": entry.model = try json.text()
            case "usage": entry.usage = try PiUsage(&json)
            case "message": try entry.readMessage(&json)
            default: return false
            }
            return true
        }
        let time = entry.timestamp.flatMap { Timestamp(iso8601: $0.string) }
        state.note(time: time)
        if entry.type?.equals("session") == true { return begin(entry, time, &state) }
        if entry.type?.equals("session_info") == true { state.title = entry.name?.string ?? state.title }
        if let model = entry.model { state.model = model.string(reusing: state.model) }
        if let provider = entry.provider { state.note = provider.string(reusing: state.note) }
        if let usage = entry.usage { add(entry, usage, time, &state, into: &sink) }
    }

    private func begin(_ entry: Entry, _ time: Timestamp?, _ state: inout StoreState) {
        guard state.session == nil else { return }
        state.session = entry.id?.string
        state.project = entry.folder.flatMap { projects.key(of: $0.string) }
        state.parent = entry.parent.map { Self.id(inName: $0.string) }
        // What is older than its session was copied into it.
        if entry.parent != nil { state.cursor = time?.nanoseconds ?? 0 }
    }

    private func add(
        _ entry: Entry,
        _ usage: PiUsage,
        _ time: Timestamp?,
        _ state: inout StoreState,
        into sink: inout RecordSink
    ) {
        guard !usage.figures.isZero else { return sink.omit("entry \(entry.id?.string ?? "?"): it has no tokens") }
        let session = state.session ?? session
        state.session = session
        var call = CallRecord(usage.figures, time: time ?? Timestamp(nanoseconds: state.lastSeen), session: session)
        call.response = entry.response?.string
        if call.response == nil {
            guard let id = entry.id?.string else { return sink.omit("an entry with usage has no id") }
            call.lineage = "pi:\(id):\(entry.timestamp?.string ?? "")"
        }
        call.isFork = call.time.nanoseconds < state.cursor
        call.provider = entry.provider?.string ?? state.note
        call.model = entry.model?.string ?? state.model
        call.project = state.project
        call.cost = usage.cost
        if let hour = usage.cacheWrite1h {
            call.cacheWrite1h = min(hour, call.cacheWrite)
            call.cacheWrite5m = call.cacheWrite - min(hour, call.cacheWrite)
        }
        sink.add(call)
    }
}

/// The tokens of an entry, cached ones apart from the input.
private struct PiUsage {
    var figures = StoreUsage()
    var cacheWrite1h: Int64?
    var cost: Double?

    /// Reads the next value; nil when it is no object.
    init?(_ json: inout JSONScanner) throws(LineFault) {
        var isObject = false
        try json.members { key, json throws(LineFault) in
            isObject = true
            switch key {
            case "input": figures.input = try json.count() ?? 0
            case "output": figures.output = try json.count() ?? 0
            case "cacheRead": figures.cacheRead = try json.count() ?? 0
            case "cacheWrite": figures.cacheWrite = try json.count() ?? 0
            case "cacheWrite1h": cacheWrite1h = try json.count()
            case "reasoning": figures.reasoning = try json.count() ?? 0
            case "cost":
                try json.members { key, json throws(LineFault) in
                    guard key.equals("total") else { return false }
                    cost = try json.number()
                    return true
                }
            default: return false
            }
            return true
        }
        if !isObject { return nil }
    }
}

extension PiSession.Entry {
    fileprivate mutating func readMessage(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "role": role = try json.text()
            case "provider": provider = try json.text()
            case "model": model = try json.text()
            case "responseId": response = try json.text()
            case "usage": usage = try PiUsage(&json)
            default: return false
            }
            return true
        }
    }
}
