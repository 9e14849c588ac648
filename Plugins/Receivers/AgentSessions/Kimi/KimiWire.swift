// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Reads the events of a session of Kimi Code or Kimi CLI.
///
/// Kimi Code reports the usage of a step twice, at the step's end and in a `usage.record` behind it, without an id: a call is named by its session,
/// agent, place in the order of calls and figures. Kimi CLI has ids; a session that Kimi Code copied has the same order and figures, so that
/// both are one. Kimi CLI's files name no model.
struct KimiWire: StoreParser {
    private let session: String
    private let agent: String
    private let modified: Timestamp
    private let folder: () -> String?
    private let projects: ProjectNames

    /// - Parameters:
    ///   - path: `…/<session>/agents/<agent>/wire.jsonl`, of Kimi CLI `…/<session>/wire.jsonl` and `…/<session>/subagents/<agent>/wire.jsonl`.
    ///   - modified: When the file was last written, in nanoseconds since 1970: the time of events that have none.
    ///   - read: Reads a file beside this one.
    init(
        _ path: String,
        modified: Int64,
        projects: ProjectNames,
        read: @escaping (String) -> [UInt8]? = DocumentBytes.neighbour
    ) {
        let parts = path.split(separator: "/").map(String.init)
        let isNested = parts.count > 3 && ["agents", "subagents"].contains(parts[parts.count - 3])
        session = parts.count > 3 ? parts[parts.count - (isNested ? 4 : 2)] : path
        agent = isNested ? parts[parts.count - 2] : "main"
        self.modified = Timestamp(nanoseconds: max(1, modified))
        self.projects = projects
        let place = "/" + parts.dropLast(isNested ? 3 : 1).joined(separator: "/") + "/state.json"
        folder = { read(place).flatMap(Self.folder) }
    }

    fileprivate struct Event {
        var type: JSONScanner.Text?
        var inner: JSONScanner.Text?
        var time: Timestamp?
        var id: String?
        var model: String?
        var usage: StoreUsage?
    }

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        var json = JSONScanner(text)
        var event = Event()
        try event.read(&json)
        if state.session == nil {
            state.session = session
            state.project = folder().flatMap { projects.key(of: $0) }
        }
        state.note(time: event.time ?? modified)
        if event.type?.equals("llm.request") == true, let model = event.model {
            state.model = model
            return
        }
        guard let usage = event.usage, !usage.isZero else { return }
        add(event, usage, &state, into: &sink)
    }

    private func add(_ event: Event, _ usage: StoreUsage, _ state: inout StoreState, into sink: inout RecordSink) {
        let figures = [usage.input, usage.cacheRead, usage.cacheWrite, usage.output].map(\.description)
            .joined(separator: ".")
        if event.type?.equals("usage.record") == true, state.note == figures {
            state.note = nil
            return sink.omit("a usage.record repeats the end of the step before it")
        }
        // Kimi CLI can repeat the status of a message.
        let id = event.id.map { "id " + $0 }
        if id == nil || state.note != id { state.count += 1 }
        state.note = event.inner?.equals("step.end") == true ? figures : id
        var call = CallRecord(usage, time: event.time ?? modified, session: session)
        call.lineage = "kimi:\(session):\(agent):\(state.count):\(figures)"
        call.key = event.id.map { "kimi:\(session):\(agent):\($0)" }
        call.agent = agent == "main" ? nil : agent
        // Kimi Code names the model in the request; a record of usage has an alias of it.
        call.model = state.model ?? event.model
        call.project = state.project
        sink.add(call)
    }

    /// The folder in which a session began.
    private static func folder(_ bytes: [UInt8]) -> String? {
        var found: String?
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var json = JSONScanner(LineBytes(base: base, count: buffer.count))
            try? json.members { key, json throws(LineFault) in
                guard key.equals("workDir") else { return false }
                found = try json.string()
                return true
            }
        }
        return found
    }
}

extension KimiWire.Event {
    fileprivate mutating func read(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "type": type = try json.text()
            case "time", "timestamp": time = try Self.instant(&json)
            case "model": model = try json.string()
            case "usage": usage = try Self.usage(&json)
            case "event": try readEvent(&json)
            case "message": try readMessage(&json)
            default: return false
            }
            return true
        }
    }

    private mutating func readEvent(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "type": inner = try json.text()
            case "model": model = try json.string()
            case "usage": usage = try Self.usage(&json)
            default: return false
            }
            return true
        }
        // Other events of the loop repeat what the end of the step tells.
        if inner?.equals("step.end") != true { usage = nil }
    }

    /// Kimi CLI: `message{type, payload{message_id, token_usage}}`.
    private mutating func readMessage(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "type": inner = try json.text()
            case "payload":
                try json.members { key, json throws(LineFault) in
                    switch key {
                    case "message_id": id = try json.string()
                    case "token_usage": usage = try Self.usage(&json)
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        if inner?.equals("StatusUpdate") != true { usage = nil }
    }

    private static func usage(_ json: inout JSONScanner) throws(LineFault) -> StoreUsage {
        var usage = StoreUsage()
        try json.members { key, json throws(LineFault) in
            switch key {
            case "inputOther", "input_other": usage.input = try json.count() ?? 0
            case "output": usage.output = try json.count() ?? 0
            case "inputCacheRead", "input_cache_read": usage.cacheRead = try json.count() ?? 0
            case "inputCacheCreation", "input_cache_creation": usage.cacheWrite = try json.count() ?? 0
            default: return false
            }
            return true
        }
        return usage
    }

    /// Seconds since 1970 in Kimi CLI, milliseconds or a text in Kimi Code.
    private static func instant(_ json: inout JSONScanner) throws(LineFault) -> Timestamp? {
        var ahead = json
        if let number = try ahead.number(), (0..<100_000_000_000).contains(number) {
            json = ahead
            return Timestamp(milliseconds: Int64(number * 1_000))
        }
        return try json.instant()
    }
}
