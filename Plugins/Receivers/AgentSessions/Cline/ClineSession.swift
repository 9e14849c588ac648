// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Reads the messages of a session as Cline writes them since version 4.1, and its command line since 3.
///
/// `inputTokens` contains cached tokens. Sub-agents have files of their own in the session's folder; sums of the session contain them and are not
/// read.
struct ClineSession: StoreParser {
    private let session: String
    private let agent: String?
    private let manifest: String
    private let projects: ProjectNames
    private let neighbour: (String) -> [UInt8]?

    /// - Parameters:
    ///   - path: `…/<session>/<session or agent>.messages.json`.
    ///   - read: Reads a file beside this one.
    init(
        _ path: String,
        projects: ProjectNames,
        read: @escaping (String) -> [UInt8]? = DocumentBytes.neighbour
    ) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let stem = String((parts.last ?? path).dropLast(".messages.json".count))
        session = parts.count > 1 ? parts[parts.count - 2] : stem
        agent = stem == session ? nil : stem
        manifest = parts.dropLast().joined(separator: "/") + "/\(session).json"
        self.projects = projects
        neighbour = read
    }

    fileprivate struct Message {
        var id: String?
        var time: Timestamp?
        var model: String?
        var provider: String?
        var cost: Double?
        var usage: StoreUsage?
    }

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        var json = JSONScanner(text)
        state.session = session
        readManifest(&state)
        if text.base[0] == UInt8(ascii: "[") { return try read(&json, &state, into: &sink) }
        guard text.base[0] == UInt8(ascii: "{") else { throw .cutOff }
        let parser = self
        try json.members { key, json throws(LineFault) in
            guard key.equals("messages") else { return false }
            try parser.read(&json, &state, into: &sink)
            return true
        }
    }

    private func read(
        _ json: inout JSONScanner,
        _ state: inout StoreState,
        into sink: inout RecordSink
    ) throws(LineFault) {
        try json.elements { json throws(LineFault) in
            var message = Message()
            try json.members { key, json throws(LineFault) in
                switch key {
                case "id": message.id = try json.string()
                case "ts": message.time = try json.instant()
                case "modelInfo":
                    try json.members { key, json throws(LineFault) in
                        switch key {
                        case "id": message.model = try json.string()
                        case "provider": message.provider = try json.string()
                        default: return false
                        }
                        return true
                    }
                case "metrics": try message.readMetrics(&json)
                default: return false
                }
                return true
            }
            state.note(time: message.time)
            if let usage = message.usage { add(message, usage, state, into: &sink) }
        }
    }

    private func add(_ message: Message, _ usage: StoreUsage, _ state: StoreState, into sink: inout RecordSink) {
        guard let name = message.id ?? message.time?.milliseconds.description, let time = message.time else {
            return sink.omit("a message without id or time")
        }
        guard !usage.isZero else { return sink.omit("message \(name): it has no tokens") }
        var call = CallRecord(usage, time: time, session: session)
        call.lineage = "cline:\(session):\(agent ?? ""):\(name)"
        call.agent = agent
        call.model = message.model ?? state.model
        call.provider = message.provider
        call.project = state.project
        call.cost = message.cost
        sink.add(call)
    }

    /// The model and the folder of the session, in `<session>.json`.
    private func readManifest(_ state: inout StoreState) {
        guard let bytes = neighbour(manifest) else { return }
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var json = JSONScanner(LineBytes(base: base, count: buffer.count))
            try? json.members { key, json throws(LineFault) in
                switch key {
                case "model": state.model = try json.string() ?? state.model
                case "cwd": state.project = try json.string().flatMap { projects.key(of: $0) } ?? state.project
                default: return false
                }
                return true
            }
        }
    }
}

extension ClineSession.Message {
    fileprivate mutating func readMetrics(_ json: inout JSONScanner) throws(LineFault) {
        var figures = StoreUsage()
        try json.members { key, json throws(LineFault) in
            switch key {
            case "inputTokens": figures.input = try json.count() ?? 0
            case "outputTokens": figures.output = try json.count() ?? 0
            case "cacheReadTokens": figures.cacheRead = try json.count() ?? 0
            case "cacheWriteTokens": figures.cacheWrite = try json.count() ?? 0
            case "cost": cost = try json.number()
            default: return false
            }
            return true
        }
        figures.excludeCache()
        usage = figures
    }
}
