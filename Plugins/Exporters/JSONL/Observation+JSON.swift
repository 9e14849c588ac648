// SPDX-License-Identifier: Apache-2.0

import Usage

extension Observation {
    /// Appends the observation as a JSON object; what is not known, zero or the rule is left out.
    func write(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        bytes.append("id", hash: id)
        bytes.append("timeUnixNano", unixNano: time)
        bytes.append("source", text: source.name)
        bytes.append("witness", hash: emitter)
        bytes.append("authority", number: Int64(priority))
        bytes.append("inputTokens", count: counts.uncachedInput)
        bytes.append("outputTokens", count: counts.output)
        bytes.append("cacheReadTokens", count: counts.cacheRead)
        bytes.append("cacheWrite5m", count: counts.cacheWrite5m)
        bytes.append("cacheWrite1h", count: counts.cacheWrite1h)
        bytes.append("reasoningTokens", count: counts.reasoning)
        let origin = origin.value
        bytes.append("model", text: origin.model)
        bytes.append("provider", text: origin.provider)
        bytes.append("sessionId", text: origin.session)
        if origin.sessionIsTrace { bytes.append("sessionIsTrace", flag: true) }
        if origin.sessionIsFork { bytes.append("sessionIsFork", flag: true) }
        bytes.append("agent", text: origin.agent)
        bytes.append("user", text: origin.user)
        if origin.userIsShared { bytes.append("userIsShared", flag: true) }
        bytes.append("project", text: origin.project)
        bytes.append("machine", text: origin.machine)
        bytes.append("team", text: origin.team)
        bytes.append("requestKey", hash: keys.request)
        bytes.append("answerKey", hash: keys.answer)
        bytes.append("responseKey", hash: keys.response)
        bytes.append("lineageKey", hash: keys.lineage)
        bytes.append("weakKey", hash: blockingKey)
        bytes.append("intervalKey", hash: intervalKey)
        if isSideChain { bytes.append("sideChain", flag: true) }
        if weakWindow != Self.usualWindow { bytes.append("weakWindow", number: Int64(weakWindow)) }
        writeTrace(to: &bytes)
        if knowsCacheLifetimes { bytes.append("cacheLifetimes", flag: true) }
        bytes.append("reportedCost", money: reportedCost)
        if terms.isFast { bytes.append("fast", flag: true) }
        bytes.append("serviceTier", text: terms.serviceTier)
        bytes.append("geography", text: terms.geography)
        bytes.append("webSearches", count: terms.webSearches)
        if let duration { bytes.append("durationNano", number: duration) }
        bytes.append("error", text: error)
        bytes.append(UInt8(ascii: "}"))
    }

    private func writeTrace(to bytes: inout [UInt8]) {
        bytes.append("span", hash: trace.span)
        bytes.append("spanKind", hash: trace.kind)
        if trace.isRollUp { bytes.append("rollUp", flag: true) }
        guard !trace.ancestors.isEmpty else { return }
        bytes.append(key: "ancestors")
        bytes.append(UInt8(ascii: "["))
        trace.ancestors.forEach { ancestor in
            if bytes.last != UInt8(ascii: "[") { bytes.append(UInt8(ascii: ",")) }
            bytes.append(hash: ancestor)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// The window of an observation that says nothing else.
    private static let usualWindow: Int32 = 30

    /// Reads what ``write(to:)`` wrote.
    init(_ cursor: inout LineCursor) throws(LineError) {
        self.init(id: 0, time: Timestamp(nanoseconds: 0), source: .otlpLog, emitter: 0, priority: 0)
        var hasTime = false
        var origin = CallOrigin()
        try cursor.object { cursor, key throws(LineError) in
            switch key {
            case .id: id = try cursor.hash()
            case .timeUnixNano:
                time = try cursor.unixNano()
                hasTime = true
            case .source: source = try cursor.source()
            case .emitter: emitter = try cursor.hash()
            case .priority: priority = UInt8(clamping: try cursor.integer())
            case .model: origin.model = try cursor.text()
            case .provider: origin.provider = try cursor.text()
            case .sessionId: origin.session = try cursor.text()
            case .sessionIsTrace: origin.sessionIsTrace = try cursor.flag()
            case .sessionIsFork: origin.sessionIsFork = try cursor.flag()
            case .agent: origin.agent = try cursor.text()
            case .user: origin.user = try cursor.text()
            case .userIsShared: origin.userIsShared = try cursor.flag()
            case .project: origin.project = try cursor.text()
            case .machine: origin.machine = try cursor.text()
            case .team: origin.team = try cursor.text()
            default:
                if try readFigure(key, &cursor) { return }
                if try !readLink(key, &cursor) { try cursor.skip() }
            }
        }
        guard id != 0, hasTime else { throw .malformed }
        self.origin = SharedOrigin(origin)
    }

    private mutating func readFigure(_ key: LineKey, _ cursor: inout LineCursor) throws(LineError) -> Bool {
        switch key {
        case .inputTokens: counts.uncachedInput = try cursor.count()
        case .outputTokens: counts.output = try cursor.count()
        case .cacheReadTokens: counts.cacheRead = try cursor.count()
        case .cacheWrite5m: counts.cacheWrite5m = try cursor.count()
        case .cacheWrite1h: counts.cacheWrite1h = try cursor.count()
        case .reasoningTokens: counts.reasoning = try cursor.count()
        case .cacheLifetimes: knowsCacheLifetimes = try cursor.flag()
        case .reportedCost: reportedCost = try cursor.money()
        case .fast: terms.isFast = try cursor.flag()
        case .serviceTier: terms.serviceTier = try cursor.text()
        case .geography: terms.geography = try cursor.text()
        case .webSearches: terms.webSearches = try cursor.count()
        case .durationNano: duration = try cursor.integer()
        case .error: error = try cursor.text()
        default: return false
        }
        return true
    }

    private mutating func readLink(_ key: LineKey, _ cursor: inout LineCursor) throws(LineError) -> Bool {
        switch key {
        case .requestKey: keys.request = try cursor.hash()
        case .answerKey: keys.answer = try cursor.hash()
        case .responseKey: keys.response = try cursor.hash()
        case .lineageKey: keys.lineage = try cursor.hash()
        case .blockingKey: blockingKey = try cursor.hash()
        case .weakWindow: weakWindow = Int32(clamping: try cursor.integer())
        case .intervalKey: intervalKey = try cursor.hash()
        case .sideChain: isSideChain = try cursor.flag()
        case .span: trace.span = try cursor.hash()
        case .spanKind: trace.kind = try cursor.hash()
        case .rollUp: trace.isRollUp = try cursor.flag()
        case .ancestors:
            try cursor.array { cursor throws(LineError) in trace.ancestors.insert(try cursor.hash()) }
        default: return false
        }
        return true
    }
}
