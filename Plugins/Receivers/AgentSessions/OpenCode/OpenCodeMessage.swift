// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// What an answer says of the step of the model that made it; written alike in the tables of both generations and in files.
struct OpenCodeMessage {
    var id: String?
    var session: String?
    var role: String?
    var provider: String?
    var model: String?
    var folder: String?
    var agent: String?
    var created: Timestamp?
    var completed: Timestamp?
    var cost: Double?
    var usage = StoreUsage()
    private var total: Int64?

    /// Reads the JSON of a message.
    init(_ text: LineBytes) throws(LineFault) {
        var json = JSONScanner(text)
        guard let first = text.trimmed(), first.base[0] == UInt8(ascii: "{") else { throw .cutOff }
        try json.members { key, json throws(LineFault) in
            switch key {
            case "id": id = try json.string()
            case "sessionID": session = try json.string()
            case "role": role = try json.string()
            case "providerID": provider = try json.string()
            case "modelID": model = try json.string()
            case "model": try readModel(&json)
            case "path": try readPath(&json)
            case "agent": agent = try json.string()
            case "time": try readTime(&json)
            case "cost": cost = try json.number()
            case "tokens": try readTokens(&json)
            default: return false
            }
            return true
        }
        settleReasoning()
    }

    /// The second generation has the model in an object.
    private mutating func readModel(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "id", "modelID": model = try json.string() ?? model
            case "providerID": provider = try json.string() ?? provider
            default: return false
            }
            return true
        }
    }

    private mutating func readPath(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            guard key.equals("cwd") else { return false }
            folder = try json.string()
            return true
        }
    }

    private mutating func readTime(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "created": created = try json.instant()
            case "completed": completed = try json.instant()
            default: return false
            }
            return true
        }
    }

    private mutating func readTokens(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "total": total = try json.count()
            case "input": usage.input = try json.count() ?? 0
            case "output": usage.output = try json.count() ?? 0
            case "reasoning": usage.reasoning = try json.count() ?? 0
            case "cache":
                try json.members { key, json throws(LineFault) in
                    switch key {
                    case "read": usage.cacheRead = try json.count() ?? 0
                    case "write": usage.cacheWrite = try json.count() ?? 0
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
    }

    /// Makes reasoning a part of the output: it is apart, but for builds whose total shows that it is inside.
    private mutating func settleReasoning() {
        let sum = usage.input + usage.output + usage.cacheRead + usage.cacheWrite
        if usage.reasoning > 0, total == sum, usage.reasoning <= usage.output { return }
        usage.output += usage.reasoning
    }

    /// The call that the message reports; nil when it reports none.
    ///
    /// A fork copies its parent's messages under new ids (anomalyco/opencode#36944, #48089): what names a call is what the copy keeps, the time
    /// at which it began, its model and its figures. The time at which it ended is not part of it, because a message has its figures before
    /// its end.
    ///
    /// - Parameter session: The session by the row or file, when the message does not name it.
    func call(session: String?, isFork: Bool, into sink: inout RecordSink) -> CallRecord? {
        guard role == nil || role == "assistant" else { return nil }
        guard !usage.isZero else {
            sink.omit("\(id ?? "a message"): an aborted or repeated attempt without tokens")
            return nil
        }
        guard let created, let session = self.session ?? session else {
            sink.omit("\(id ?? "a message"): it has no time or no session")
            return nil
        }
        var call = CallRecord(usage, time: completed ?? created, session: session)
        call.provider = provider
        call.model = model
        call.cost = cost
        call.isFork = isFork
        let figures = [usage.input, usage.output, usage.reasoning, usage.cacheRead, usage.cacheWrite]
        call.lineage =
            "opencode:\(created.milliseconds):\(provider ?? ""):\(model ?? ""):"
            + figures.map(\.description).joined(separator: ".")
        return call
    }
}

/// A message or a session in a file of its own, as OpenCode wrote them before version 1.2.
struct OpenCodeFile: StoreParser {
    let projects: ProjectNames

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        let message = try OpenCodeMessage(text)
        guard message.role == nil else {
            guard var call = message.call(session: nil, isFork: false, into: &sink) else { return }
            call.project = message.folder.flatMap { projects.key(of: $0) }
            return sink.add(call)
        }
        if let facts = try OpenCodeSession(text).facts(projects) { sink.add(facts) }
    }
}

/// What a file says of a session.
struct OpenCodeSession {
    var id: String?
    var parent: String?
    var title: String?
    var folder: String?
    var version: String?
    var updated: Timestamp?

    /// Reads the JSON of a session.
    init(_ text: LineBytes) throws(LineFault) {
        var json = JSONScanner(text)
        try json.members { key, json throws(LineFault) in
            switch key {
            case "id": id = try json.string()
            case "parentID": parent = try json.string()
            case "title": title = try json.string()
            case "directory": folder = try json.string()
            case "version": version = try json.string()
            case "time":
                try json.members { key, json throws(LineFault) in
                    guard key.equals("updated") || key.equals("created") else { return false }
                    updated = [updated, try json.instant()].compactMap(\.self).max()
                    return true
                }
            default: return false
            }
            return true
        }
    }

    init() {}

    /// The facts to be reported; nil without an id and a time.
    func facts(_ projects: ProjectNames) -> SessionFacts? {
        guard let id, let updated else { return nil }
        return SessionFacts(
            session: id,
            time: updated,
            project: folder.flatMap { projects.key(of: $0) },
            version: version,
            name: title,
            parent: parent
        )
    }
}
