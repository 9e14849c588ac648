// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Reads the events of a session of Kimi Code or Kimi CLI.
///
/// Kimi Code reports the usage of a step twice, at the step's end and in a `usage.record` behind it, without an id: a call is named by its session,
/// agent, place in the order of calls and figures. Kimi CLI has the ids of the answers. They name a call in all files, because a fork copies the lines
/// of its parent into a session of its own, and because the session's file repeats what its sub-agents' files report (seen in version 1.51). A
/// session that Kimi Code copied has the same order and figures, so that both are one. Kimi CLI's files name no model.
struct KimiWire: StoreParser {
    private let session: String
    private let agent: String
    private let modified: Timestamp
    private let facts: () -> Facts
    private let projects: ProjectNames

    /// What lies beside the events.
    private struct Facts {
        /// The folder in which the session began.
        var folder: String?
        var title: String?

        /// Kimi CLI names a fork so, and marks it in no other way.
        var isFork: Bool { title?.hasPrefix("Fork: ") ?? false }
    }

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
        facts = { read(place).map(Self.facts) ?? Facts() }
    }

    fileprivate struct Event {
        var type: JSONScanner.Text?
        var inner: JSONScanner.Text?
        var time: Timestamp?
        var id: String?
        var model: String?
        var usage: StoreUsage?
        /// The sub-agent whose event the session's file repeats.
        var agent: String?
    }

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        var json = JSONScanner(text)
        var event = Event()
        try event.read(&json)
        if state.session == nil {
            let facts = facts()
            state.session = session
            state.title = facts.title
            state.project = facts.folder.flatMap { projects.key(of: $0) }
            state.cursor = facts.isFork ? 1 : 0
        }
        state.note(time: event.time ?? modified)
        if event.type?.equals("llm.request") == true, let model = event.model {
            state.model = model
            return
        }
        guard let usage = event.usage, !usage.isZero else { return }
        add(event, usage, &state, into: &sink)
    }

    private func add(
        _ event: Event,
        _ usage: StoreUsage,
        _ state: inout StoreState,
        into sink: inout RecordSink
    ) {
        let figures = [usage.input, usage.cacheRead, usage.cacheWrite, usage.output].map(\.description)
            .joined(separator: ".")
        if event.type?.equals("usage.record") == true, state.note == figures {
            state.note = nil
            return sink.omit("a usage.record repeats the end of the step before it")
        }
        let agent = event.agent ?? agent
        var call = CallRecord(usage, time: event.time ?? modified, session: session)
        call.key = event.id.map { key($0, of: agent, figures) }
        if event.agent == nil {
            // Kimi CLI can repeat the status of a message.
            let id = event.id.map { "id " + $0 }
            if id == nil || state.note != id { state.count += 1 }
            state.note = event.inner?.equals("step.end") == true ? figures : id
            call.lineage = "kimi:\(session):\(agent):\(state.count):\(figures)"
        } else if call.key == nil {
            return sink.omit("the event of a sub-agent has no id; the sub-agent's own file has the call")
        }
        call.isFork = state.cursor > 0
        call.agent = agent == "main" ? nil : agent
        // Kimi Code names the model in the request; a record of usage has an alias of it.
        call.model = state.model ?? event.model
        call.project = state.project
        sink.add(call)
    }

    /// What names a call that has the id of its answer: a short id may be a local server's, which numbers its answers.
    private func key(_ id: String, of agent: String, _ figures: String) -> String {
        id.utf8.count < 20 ? "kimi:\(session):\(agent):\(id)" : "kimi:\(id):\(figures)"
    }

    /// Reads `state.json`.
    private static func facts(_ bytes: [UInt8]) -> Facts {
        var facts = Facts()
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var json = JSONScanner(LineBytes(base: base, count: buffer.count))
            try? json.members { key, json throws(LineFault) in
                switch key {
                case "workDir": facts.folder = try json.string()
                case "custom_title": facts.title = try json.string()
                default: return false
                }
                return true
            }
        }
        return facts
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
        // Other events of the loop repeat what the end of the step has.
        if inner?.equals("step.end") != true { usage = nil }
    }

    /// Kimi CLI: `message{type, payload{message_id, token_usage}}`, of a sub-agent `payload{agent_id, event{type, payload}}`.
    private mutating func readMessage(_ json: inout JSONScanner, isNested: Bool = false) throws(LineFault) {
        var (type, owner, repeated) = (JSONScanner.Text?.none, String?.none, Self())
        try json.members { key, json throws(LineFault) in
            switch key {
            case "type": type = try json.text()
            case "payload":
                try json.members { key, json throws(LineFault) in
                    switch key {
                    case "message_id": id = try json.string()
                    case "token_usage": usage = try Self.usage(&json)
                    case "agent_id": owner = try json.string()
                    case "event":
                        guard !isNested else { return false }
                        try repeated.readMessage(&json, isNested: true)
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        inner = type
        if type?.equals("SubagentEvent") == true {
            (usage, id, agent) = (repeated.usage, repeated.id, owner ?? "sub-agent")
        } else if type?.equals("StatusUpdate") != true {
            usage = nil
        }
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
