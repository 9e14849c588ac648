// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a line of a Codex rollout says of a call or of its thread.
struct RolloutLine {
    typealias Text = JSONScanner.Text

    var timestamp: Text?
    var ordinal: Int64?
    var type: Text?
    var payload: Payload?

    /// The members of `payload` that matter, whatever kind of line it is.
    struct Payload {
        var type: Text?
        var id: Text?
        var session: Text?
        var thread: Text?
        var forkedFrom: Text?
        var parentThread: Text?
        var spawnParent: Text?
        var spawnPath: Text?
        var spawnName: Text?
        var historyStart: Int64?
        var folder: Text?
        var version: Text?
        var provider: Text?
        var branch: Text?
        var model: Text?
        var response: Text?
        var usage: TokenVector?
        var threadUsage: TokenVector?
        var total: TokenVector?
        var last: TokenVector?
        var limits = RateLimits()
        var account: Text?
    }

    /// The limits of the subscription, as `token_count` events report them.
    struct RateLimits {
        var windows: [Window] = []
        /// The family of limits; nil for the usual one.
        var id: Text?
        var plan: Text?

        /// No plan has as many limits.
        static let most = 8

        /// One limit, such as `primary`.
        struct Window {
            var name: Text
            var usedPercent: Double
            var minutes: Int64?
            /// Seconds since 1970.
            var resetsAt: Double?
            /// Seconds from the line's time on, which versions before 0.47 have in its place.
            var resetsIn: Double?
        }
    }

    /// How far into a line the kind of line is looked for before it is parsed.
    private static let headLength = 160

    /// Whether a line is of a kind that matters, judged by its beginning; true when that cannot be seen there.
    ///
    /// Almost all of a rollout is content: this is what keeps gigabytes cheap.
    ///
    /// - Parameter unknownType: Receives the line's type when this version does not know it.
    static func isOfInterest(_ line: LineBytes, unknownType: (Text) -> Void = { _ in }) -> Bool {
        var head = JSONScanner(LineBytes(base: line.base, count: min(line.count, headLength)))
        do throws(LineFault) {
            guard try head.enterObject() else { return true }
            while let key = try head.nextKey() {
                guard key.equals("type") else {
                    // Below the payload nothing says which line this is.
                    if key.equals("payload") { return true }
                    try head.skipValue()
                    continue
                }
                guard let type = try head.text() else { return true }
                if kinds.contains(where: type.equals) { return true }
                guard type.equals("event_msg") else {
                    if !otherKinds.contains(where: type.equals) { unknownType(type) }
                    return false
                }
                guard let next = try head.nextKey(), next.equals("payload"), try head.enterObject(),
                    let first = try head.nextKey(), first.equals("type"), let event = try head.text()
                else { return true }
                return event.equals("token_count")
            }
            return true
        } catch {
            return true
        }
    }

    private static let kinds: [StaticString] = ["session_meta", "turn_context", "token_usage_record"]

    /// Kinds that are known to have nothing of calls.
    private static let otherKinds: [StaticString] = [
        "response_item", "compacted", "world_state", "inter_agent_communication", "inter_agent_communication_metadata",
        "ghost_snapshot", "state",
    ]

    init(_ line: LineBytes) throws(LineFault) {
        var cursor = JSONScanner(line)
        guard try cursor.enterObject() else { throw .cutOff }
        while let key = try cursor.nextKey() {
            switch key.bytes.count {
            case 4 where key.equals("type"): type = try cursor.text()
            case 7 where key.equals("ordinal"): ordinal = try cursor.count()
            case 7 where key.equals("payload"): payload = try Payload(&cursor)
            case 9 where key.equals("timestamp"): timestamp = try cursor.text()
            default: try cursor.skipValue()
            }
        }
    }
}

extension RolloutLine.Payload {
    init?(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return nil }
        while let key = try cursor.nextKey() {
            if try readThread(key, &cursor) { continue }
            if try readUsage(key, &cursor) { continue }
            try cursor.skipValue()
        }
    }

    /// Members that say which thread this is.
    private mutating func readThread(_ key: JSONScanner.Text, _ cursor: inout JSONScanner) throws(LineFault) -> Bool {
        switch key.bytes.count {
        case 2 where key.equals("id"): id = try cursor.text()
        case 3 where key.equals("cwd"): folder = try cursor.text()
        case 3 where key.equals("git"): try readGit(&cursor)
        case 6 where key.equals("source"): try readSource(&cursor)
        case 9 where key.equals("thread_id"): thread = try cursor.text()
        case 10 where key.equals("session_id"): session = try cursor.text()
        case 11 where key.equals("cli_version"): version = try cursor.text()
        case 14 where key.equals("forked_from_id"): forkedFrom = try cursor.text()
        case 14 where key.equals("model_provider"): provider = try cursor.text()
        case 16 where key.equals("parent_thread_id"): parentThread = try cursor.text()
        case 18 where key.equals("creator_account_id"): account = try cursor.text()
        case 30 where key.equals("subagent_history_start_ordinal"): historyStart = try cursor.count()
        default: return false
        }
        return true
    }

    /// Members that say what was used.
    private mutating func readUsage(_ key: JSONScanner.Text, _ cursor: inout JSONScanner) throws(LineFault) -> Bool {
        switch key.bytes.count {
        case 4 where key.equals("type"): type = try cursor.text()
        case 4 where key.equals("info"): try readInfo(&cursor)
        case 5 where key.equals("usage"): usage = try TokenVector(&cursor)
        case 5 where key.equals("model"): model = try cursor.text()
        case 10 where key.equals("model_name"): model = try cursor.text() ?? model
        case 11 where key.equals("response_id"): response = try cursor.text()
        case 11 where key.equals("rate_limits"): try limits.read(&cursor)
        case 18 where key.equals("thread_token_usage"): threadUsage = try TokenVector(&cursor)
        default: return false
        }
        return true
    }

    private mutating func readInfo(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return }
        while let key = try cursor.nextKey() {
            if key.equals("total_token_usage") {
                total = try TokenVector(&cursor)
            } else if key.equals("last_token_usage") {
                last = try TokenVector(&cursor)
            } else if key.equals("model") {
                model = try cursor.text() ?? model
            } else {
                try cursor.skipValue()
            }
        }
    }

    private mutating func readGit(_ cursor: inout JSONScanner) throws(LineFault) {
        try members(of: &cursor, named: "branch") { payload, cursor throws(LineFault) in
            payload.branch = try cursor.text()
        }
    }

    /// `source.subagent.thread_spawn` names the thread that started this one.
    private mutating func readSource(_ cursor: inout JSONScanner) throws(LineFault) {
        try members(of: &cursor, named: "subagent") { payload, cursor throws(LineFault) in
            try payload.members(of: &cursor, named: "thread_spawn") { payload, cursor throws(LineFault) in
                try payload.readSpawn(&cursor)
            }
        }
    }

    private mutating func members(
        of cursor: inout JSONScanner,
        named name: StaticString,
        _ body: (inout Self, inout JSONScanner) throws(LineFault) -> Void
    ) throws(LineFault) {
        guard try cursor.enterObject() else { return }
        while let key = try cursor.nextKey() {
            if key.equals(name) { try body(&self, &cursor) } else { try cursor.skipValue() }
        }
    }

    private mutating func readSpawn(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return }
        while let key = try cursor.nextKey() {
            switch key.bytes.count {
            case 10 where key.equals("agent_path"): spawnPath = try cursor.text()
            case 14 where key.equals("agent_nickname"): spawnName = try cursor.text()
            case 16 where key.equals("parent_thread_id"): spawnParent = try cursor.text()
            default: try cursor.skipValue()
            }
        }
    }
}

extension RolloutLine.RateLimits {
    /// Takes in an object of limits; each member that is an object with a share is one.
    mutating func read(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return }
        while let key = try cursor.nextKey() {
            if key.equals("limit_id") {
                id = try cursor.text()
            } else if key.equals("plan_type") {
                plan = try cursor.text()
            } else if let window = try Window(key, &cursor), windows.count < Self.most {
                windows.append(window)
            }
        }
    }
}

extension RolloutLine.RateLimits.Window {
    fileprivate init?(_ name: JSONScanner.Text, _ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return nil }
        var used: Double?
        (self.name, usedPercent) = (name, 0)
        while let key = try cursor.nextKey() {
            if key.equals("used_percent") {
                used = try cursor.number()
            } else if key.equals("remaining_percent") {
                // A member's share of a workspace's credits, `individual_limit`, names what is left (openai/codex, SpendControlLimitSnapshot).
                let rest = try cursor.number()
                used = used ?? rest.map { 100 - $0 }
            } else if key.equals("window_minutes") {
                minutes = try cursor.count()
            } else if key.equals("resets_at") {
                resetsAt = try cursor.number()
            } else if key.equals("resets_in_seconds") {
                resetsIn = try cursor.number()
            } else {
                try cursor.skipValue()
            }
        }
        guard let used else { return nil }
        usedPercent = used
    }
}
