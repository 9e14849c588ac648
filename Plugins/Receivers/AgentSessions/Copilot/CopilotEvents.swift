// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Reads the events of a Copilot session for sessions whose requests are nowhere else.
///
/// The only whole usage in the events is the sum for each model at the end of each leg of a session (`session.shutdown`). It is handed on as the sum
/// of a part of the session, which counts where no call of the session is known, from the table of requests, a file of spans or OTLP.
///
/// The answers in between show whether a sum goes on from the leg before: version 1.0.36 begins again in each process, others go on and begin
/// again after a compaction. What a leg's answers have as output is in its sum anyhow; what is left must hold the sum of before, or it is not in it.
struct CopilotEvents: StoreParser {
    private let session: String
    private let projects: ProjectNames

    /// - Parameter path: `…/session-state/<session>/events.jsonl`.
    init(_ path: String, projects: ProjectNames) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        session = parts.count > 1 ? parts[parts.count - 2] : path
        self.projects = projects
    }

    /// How the store names a session as a part that a sum covers.
    static func part(_ session: String) -> String { "copilot:" + session }

    fileprivate struct Event {
        var type: JSONScanner.Text?
        var id: String?
        var time: Timestamp?
        var isSuccess = false
        var session: String?
        var folder: String?
        var branch: String?
        var version: String?
        var sums: [(model: String, usage: StoreUsage)] = []
        /// The output of an answer.
        var output: Int64 = 0
    }

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        var json = JSONScanner(text)
        var event = Event()
        try json.members { key, json throws(LineFault) in
            switch key {
            case "type": event.type = try json.text()
            case "id": event.id = try json.string()
            case "timestamp": event.time = try json.instant()
            case "data": try event.readData(&json)
            default: return false
            }
            return true
        }
        state.note(time: event.time)
        state.session = event.session ?? state.session ?? session
        state.branch = event.branch ?? state.branch
        state.version = event.version ?? state.version
        if let folder = event.folder, state.project == nil { state.project = projects.key(of: folder) }
        guard let type = event.type else { return }
        switch type {
        case "assistant.message":
            var leg = Leg(state.note)
            leg.output = min(leg.output + event.output, JSONScanner.largestCount)
            state.note = leg.text
        case "session.compaction_complete":
            guard event.isSuccess else { return }
            state.note = Leg(output: Leg(state.note).output).text
        case "session.shutdown": add(event, &state, into: &sink)
        default: return
        }
    }

    private func add(_ event: Event, _ state: inout StoreState, into sink: inout RecordSink) {
        let session = state.session ?? session
        state.count += 1
        let leg = Leg(state.note)
        let goesOn = leg.goesOn(in: event.sums)
        for (model, usage) in event.sums {
            var usage = goesOn ? usage.minus(leg.sums[model] ?? StoreUsage()) : usage
            guard !usage.isZero else {
                sink.omit("the sums for \(model): nothing came on top of the leg before")
                continue
            }
            usage.excludeCache()
            let time = event.time ?? Timestamp(nanoseconds: state.lastSeen)
            var record = CallRecord(usage, time: time, session: session)
            record.lineage = "copilot:\(session):shutdown \(event.id ?? state.count.description):\(model)"
            record.sum = Self.part(session)
            record.model = model
            record.project = state.project
            sink.add(record)
        }
        state.note = Leg(output: 0, sums: Dictionary(event.sums.map { ($0.model, $0.usage) }) { $1 }).text
    }

    /// What is known since the last sum: the sum, and the output of the answers since.
    private struct Leg {
        var output: Int64 = 0
        var sums: [String: StoreUsage] = [:]

        init(output: Int64, sums: [String: StoreUsage] = [:]) {
            (self.output, self.sums) = (output, sums)
        }

        /// Reads what ``text`` wrote.
        init(_ text: String?) {
            for (index, line) in (text ?? "").split(separator: "\n").enumerated() {
                if index == 0 {
                    output = Int64(line) ?? 0
                    continue
                }
                let parts = line.split(separator: " ", maxSplits: 5)
                let figures = parts.prefix(5).compactMap { Int64($0) }
                guard parts.count == 6, figures.count == 5 else { continue }
                sums[String(parts[5])] = StoreUsage(
                    input: figures[0],
                    output: figures[1],
                    cacheRead: figures[2],
                    cacheWrite: figures[3],
                    reasoning: figures[4]
                )
            }
        }

        var text: String {
            let lines = sums.sorted { $0.key < $1.key }.map { model, usage in
                "\(usage.input) \(usage.output) \(usage.cacheRead) \(usage.cacheWrite) \(usage.reasoning) \(model)"
            }
            return ([output.description] + lines).joined(separator: "\n")
        }

        /// Whether later sums contain these.
        func goesOn(in later: [(model: String, usage: StoreUsage)]) -> Bool {
            let latest = Dictionary(later.map { ($0.model, $0.usage) }) { $1 }
            guard sums.allSatisfy({ model, usage in latest[model]?.contains(usage) ?? false }) else { return false }
            let former = sums.values.reduce(0) { $0 + $1.output }
            return latest.values.reduce(0) { $0 + $1.output } >= former + output
        }
    }
}

extension StoreUsage {
    /// Whether no figure is smaller than another's.
    fileprivate func contains(_ other: StoreUsage) -> Bool {
        input >= other.input && output >= other.output && cacheRead >= other.cacheRead && cacheWrite >= other.cacheWrite
    }

    /// What comes on top of another.
    fileprivate func minus(_ other: StoreUsage) -> StoreUsage {
        StoreUsage(
            input: input - other.input,
            output: output - other.output,
            cacheRead: cacheRead - other.cacheRead,
            cacheWrite: cacheWrite - other.cacheWrite,
            reasoning: max(0, reasoning - other.reasoning)
        )
    }
}

extension CopilotEvents.Event {
    fileprivate mutating func readData(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "sessionId": session = try json.string()
            case "success": isSuccess = try json.flag()
            case "outputTokens": output = try json.count() ?? 0
            case "copilotVersion": version = try json.string()
            case "context":
                try json.members { key, json throws(LineFault) in
                    switch key {
                    case "cwd": folder = try json.string()
                    case "branch": branch = try json.string()
                    default: return false
                    }
                    return true
                }
            case "modelMetrics":
                guard try json.enterObject() else { return true }
                while let model = try json.nextKey() {
                    let name = model.string
                    try json.members { key, json throws(LineFault) in
                        guard key.equals("usage") else { return false }
                        sums.append((name, try Self.usage(&json)))
                        return true
                    }
                }
            default: return false
            }
            return true
        }
    }

    private static func usage(_ json: inout JSONScanner) throws(LineFault) -> StoreUsage {
        var usage = StoreUsage()
        try json.members { key, json throws(LineFault) in
            switch key {
            case "inputTokens": usage.input = try json.count() ?? 0
            case "outputTokens": usage.output = try json.count() ?? 0
            case "cacheReadTokens": usage.cacheRead = try json.count() ?? 0
            case "cacheWriteTokens": usage.cacheWrite = try json.count() ?? 0
            case "reasoningTokens": usage.reasoning = try json.count() ?? 0
            default: return false
            }
            return true
        }
        return usage
    }
}
