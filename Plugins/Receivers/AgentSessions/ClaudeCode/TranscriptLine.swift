// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a line of a Claude Code transcript says of a call or of its session.
struct TranscriptLine {
    typealias Text = JSONScanner.Text

    var type: Text?
    var session: Text?
    /// The session that made the call, on lines that a fork copied from it.
    var requestSession: Text?
    var request: Text?
    var uuid: Text?
    var timestamp: Text?
    var folder: Text?
    var branch: Text?
    var version: Text?
    var agent: Text?
    var title: Text?
    var isTitleCustom = false
    var isSidechain = false
    /// Whether the session runs in the background; it then begins with copies of its parent's lines (kenn-io/agentsview#1370).
    var isBackground = false
    var isError = false
    var cost: Double?
    /// What the whole session has cost so far, in dollars (`cost-state` lines).
    var sessionCost: Double?
    /// Whether that sum lacks calls of models whose price the agent does not know.
    var isSessionCostPartial = false
    /// Uses of the tool WebSearch by their ids.
    var searchUses: [Text] = []
    /// The ids of the uses of tools whose results the line has, and how many searches the result names.
    var resultsOf: [Text] = []
    var searchCount: Int64?
    var response: Text?
    var model: Text?
    var usage: TranscriptUsage?

    /// Types of lines that never have usage, and of which only what is before their content matters.
    private static let typesWithoutUsage: [StaticString] = [
        "user", "attachment", "system", "file-history-snapshot", "queue-operation", "api-request-blob",
        "api-request-shape", "api-request", "last-prompt", "tools-used",
    ]

    /// The other types that are known, whether they matter or not.
    private static let otherTypes: [StaticString] = [
        "assistant", "progress", "summary", "ai-title", "custom-title", "mode", "permission-mode", "atis-latch",
        "cost-state", "pr-link", "agent-name", "agent-color", "agent-setting", "tag", "task-summary", "worktree-state",
        "isolation-latch", "bridge-session", "attribution-snapshot", "content-replacement", "fork-context-ref",
        "speculation-accept", "marble-origami-commit", "marble-origami-snapshot", "marble-origami-reset",
    ]

    /// The type when this version does not know it.
    var unknownType: Text? {
        guard let type, usage == nil, !Self.typesWithoutUsage.contains(where: type.equals),
            !Self.otherTypes.contains(where: type.equals)
        else { return nil }
        return type
    }

    /// Reads a line.
    ///
    /// - Parameters:
    ///   - wantsFacts: Whether lines without usage are read to their end for facts about the session.
    ///   - wantsResults: Whether the results of tools are looked at.
    init(_ line: LineBytes, wantsFacts: Bool, wantsResults: Bool = false) throws(LineFault) {
        var cursor = JSONScanner(line)
        guard try cursor.enterObject() else { throw .cutOff }
        try read(&cursor, wantsFacts || wantsResults, isInner: false)
    }

    private init() {}

    private mutating func read(_ cursor: inout JSONScanner, _ wantsFacts: Bool, isInner: Bool) throws(LineFault) {
        while let key = try cursor.nextKey() {
            switch key.bytes.count {
            case 3 where key.equals("cwd"): folder = try cursor.text()
            case 4 where key.equals("type"):
                type = try cursor.text()
                if !wantsFacts, let type, Self.typesWithoutUsage.contains(where: type.equals) { return }
            case 4 where key.equals("uuid"): uuid = try cursor.text()
            case 4 where key.equals("data") && !isInner: try readProgress(&cursor)
            case 7 where key.equals("message"): try readMessage(&cursor)
            case 7 where key.equals("version"): version = try cursor.text()
            case 7 where key.equals("agentId"): agent = try cursor.text()
            case 7 where key.equals("aiTitle"): title = try cursor.text()
            case 7 where key.equals("costUSD"): cost = try cursor.number()
            case 9 where key.equals("sessionId"): session = try cursor.text()
            case 9 where key.equals("timestamp"): timestamp = try cursor.text()
            case 9 where key.equals("requestId"): request = try cursor.text()
            case 9 where key.equals("gitBranch"): branch = try cursor.text()
            case 12 where key.equals("totalCostUSD"): sessionCost = try cursor.numberOrText()
            case 19 where key.equals("hasUnknownModelCost"): isSessionCostPartial = try cursor.flag()
            case 13 where key.equals("toolUseResult"): try readResult(&cursor)
            case 11 where key.equals("isSidechain"): isSidechain = try cursor.flag()
            case 11 where key.equals("sessionKind"): isBackground = try cursor.text()?.equals("bg") ?? false
            case 11 where key.equals("customTitle"): (title, isTitleCustom) = (try cursor.text(), true)
            case 16 where key.equals("requestSessionId"): requestSession = try cursor.text()
            case 17 where key.equals("isApiErrorMessage"): isError = try cursor.flag()
            default: try cursor.skipValue()
            }
        }
    }

    private mutating func readMessage(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return }
        while let key = try cursor.nextKey() {
            switch key.bytes.count {
            case 2 where key.equals("id"): response = try cursor.text()
            case 5 where key.equals("model"): model = try cursor.text()
            case 5 where key.equals("usage"): usage = try TranscriptUsage(&cursor)
            case 7 where key.equals("content"): try readContent(&cursor)
            default: try cursor.skipValue()
            }
        }
    }

    /// Blocks of content, of which only uses and results of tools matter.
    private mutating func readContent(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterArray() else { return }
        while try cursor.nextElement() {
            guard try cursor.enterObject() else { continue }
            var (id, result, isSearch): (Text?, Text?, Bool) = (nil, nil, false)
            while let key = try cursor.nextKey() {
                switch key.bytes.count {
                case 2 where key.equals("id"): id = try cursor.text()
                case 4 where key.equals("name"): isSearch = try cursor.text()?.equals("WebSearch") ?? false
                case 11 where key.equals("tool_use_id"): result = try cursor.text()
                default: try cursor.skipValue()
                }
            }
            if isSearch, let id, searchUses.count < WebSearches.mostUses { searchUses.append(id) }
            if let result, resultsOf.count < WebSearches.mostUses { resultsOf.append(result) }
        }
    }

    private mutating func readResult(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return }
        while let key = try cursor.nextKey() {
            if key.equals("searchCount") { searchCount = try cursor.count() } else { try cursor.skipValue() }
        }
    }

    /// Progress lines of older versions carry a whole line of a sub-agent below `data.message`.
    private mutating func readProgress(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return }
        while let key = try cursor.nextKey() {
            guard key.equals("message") else {
                try cursor.skipValue()
                continue
            }
            guard try cursor.enterObject() else { continue }
            var inner = TranscriptLine()
            try inner.read(&cursor, true, isInner: true)
            guard inner.usage != nil else { continue }
            (usage, response, model) = (inner.usage, inner.response, inner.model)
            request = inner.request ?? request
            isSidechain = true
        }
    }
}

/// The figures of one answer of Anthropic's API.
struct TranscriptUsage {
    typealias Text = JSONScanner.Text

    var input: Int64 = 0
    var output: Int64 = 0
    var cacheRead: Int64 = 0
    var cacheWrite: Int64 = 0
    var cacheWrite5m: Int64?
    var cacheWrite1h: Int64?
    var reasoning: Int64 = 0
    var webSearches: Int64 = 0
    var serviceTier: Text?
    var speed: Text?
    var geography: Text?
    /// The model, where an iteration had one of its own.
    var model: Text?
    /// What kind of iteration this is; empty for the answer as a whole.
    var type: Text?
    /// Calls that the provider made on the way and left out of the sums.
    var iterations: [TranscriptUsage] = []

    /// Reads the next value; nil when it is no object.
    ///
    /// - Parameter isIteration: Whether it is an iteration, which has none of its own.
    init?(_ cursor: inout JSONScanner, isIteration: Bool = false) throws(LineFault) {
        guard try cursor.enterObject() else { return nil }
        while let key = try cursor.nextKey() {
            switch key.bytes.count {
            case 4 where key.equals("type"): type = try cursor.text()
            case 5 where key.equals("model"): model = try cursor.text()
            case 5 where key.equals("speed"): speed = try cursor.text()
            case 10 where key.equals("iterations") && !isIteration: try readIterations(&cursor)
            case 12 where key.equals("input_tokens"): input = try cursor.count() ?? 0
            case 12 where key.equals("service_tier"): serviceTier = try cursor.text()
            case 13 where key.equals("output_tokens"): output = try cursor.count() ?? 0
            case 13 where key.equals("inference_geo"): geography = try cursor.text()
            case 14 where key.equals("cache_creation"): try readParts(&cursor)
            case 15 where key.equals("server_tool_use"): try readParts(&cursor)
            case 21 where key.equals("output_tokens_details"): try readParts(&cursor)
            case 23 where key.equals("cache_read_input_tokens"): cacheRead = try cursor.count() ?? 0
            case 27 where key.equals("cache_creation_input_tokens"): cacheWrite = try cursor.count() ?? 0
            default: try cursor.skipValue()
            }
        }
        // Before 2.1.152 the sum could be 0 where the parts were not.
        cacheWrite = max(cacheWrite, (cacheWrite5m ?? 0) + (cacheWrite1h ?? 0))
    }

    private mutating func readParts(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return }
        while let key = try cursor.nextKey() {
            if key.equals("ephemeral_5m_input_tokens") {
                cacheWrite5m = try cursor.count()
            } else if key.equals("ephemeral_1h_input_tokens") {
                cacheWrite1h = try cursor.count()
            } else if key.equals("thinking_tokens") {
                reasoning = try cursor.count() ?? 0
            } else if key.equals("web_search_requests") {
                webSearches = try cursor.count() ?? 0
            } else {
                try cursor.skipValue()
            }
        }
    }

    /// Iterations of type `message` are part of the sums; the advisor's and the compaction's are not.
    private mutating func readIterations(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterArray() else { return }
        while try cursor.nextElement() {
            guard let iteration = try TranscriptUsage(&cursor, isIteration: true), let type = iteration.type,
                type.equals("advisor_message") || type.equals("compaction"), iterations.count < 64
            else { continue }
            iterations.append(iteration)
        }
    }

    var isZero: Bool { input == 0 && output == 0 && cacheRead == 0 && cacheWrite == 0 }
}
