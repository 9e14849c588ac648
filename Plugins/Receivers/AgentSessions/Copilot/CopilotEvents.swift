// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Reads the events of a Copilot session for what the table of requests does not have: sessions from before there was one.
///
/// The only usage in the events is the sum for each model at the end of each leg of a session. It goes on over resumed legs and begins again after
/// a compaction; a call is made of the difference. Where the table has a row of the session, nothing is read here.
struct CopilotEvents: StoreParser {
    private let session: String
    private let projects: ProjectNames
    private let hasRows: (String) -> Bool

    /// - Parameters:
    ///   - path: `…/session-state/<session>/events.jsonl`.
    ///   - hasRows: Whether the table has rows of a session; by default the database of the same home is asked.
    init(_ path: String, projects: ProjectNames, hasRows: ((String) -> Bool)? = nil) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        session = parts.count > 1 ? parts[parts.count - 2] : path
        self.projects = projects
        let database = parts.dropLast(3).joined(separator: "/") + "/session-store.db"
        self.hasRows = hasRows ?? { Self.tableHasRows(of: $0, in: database) }
    }

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
        if event.type?.equals("session.compaction_complete") == true, event.isSuccess { state.note = nil }
        if event.type?.equals("session.shutdown") == true { add(event, &state, into: &sink) }
    }

    private func add(_ event: Event, _ state: inout StoreState, into sink: inout RecordSink) {
        let session = state.session ?? session
        state.count += 1
        guard !hasRows(session) else {
            return sink.omit("the sums of a session.shutdown: the table has the session's requests")
        }
        var before = Self.sums(state.note)
        for (model, usage) in event.sums {
            let call = Self.difference(usage, before[model] ?? StoreUsage())
            before[model] = usage
            guard !call.isZero else {
                sink.omit("the sums for \(model): nothing came on top of the leg before")
                continue
            }
            var exclusive = call
            exclusive.excludeCache()
            let time = event.time ?? Timestamp(nanoseconds: state.lastSeen)
            var record = CallRecord(exclusive, time: time, session: session)
            record.lineage = "copilot:\(session):shutdown \(event.id ?? state.count.description):\(model)"
            record.model = model
            record.project = state.project
            sink.add(record)
        }
        state.note = Self.text(before)
    }

    /// What came on top of a former sum; a sum that is smaller in any figure begins again.
    private static func difference(_ sum: StoreUsage, _ former: StoreUsage) -> StoreUsage {
        guard sum.input >= former.input, sum.output >= former.output, sum.cacheRead >= former.cacheRead,
            sum.cacheWrite >= former.cacheWrite
        else { return sum }
        return StoreUsage(
            input: sum.input - former.input,
            output: sum.output - former.output,
            cacheRead: sum.cacheRead - former.cacheRead,
            cacheWrite: sum.cacheWrite - former.cacheWrite,
            reasoning: max(0, sum.reasoning - former.reasoning)
        )
    }

    private static func text(_ sums: [String: StoreUsage]) -> String {
        sums.sorted { $0.key < $1.key }.map { model, usage in
            "\(usage.input) \(usage.output) \(usage.cacheRead) \(usage.cacheWrite) \(usage.reasoning) \(model)"
        }.joined(separator: "\n")
    }

    private static func sums(_ text: String?) -> [String: StoreUsage] {
        var sums: [String: StoreUsage] = [:]
        for line in (text ?? "").split(separator: "\n") {
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
        return sums
    }

    private static func tableHasRows(of session: String, in path: String) -> Bool {
        var hasRows = false
        let database = try? StoreDatabase(path)
        try? database?.query(
            "SELECT 1 FROM assistant_usage_events WHERE session_id = ? LIMIT 1",
            [.text(session)]
        ) { _ in hasRows = true }
        return hasRows
    }
}

extension CopilotEvents.Event {
    fileprivate mutating func readData(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "sessionId": session = try json.string()
            case "success": isSuccess = try json.flag()
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
