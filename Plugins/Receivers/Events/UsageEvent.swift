// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// One event of a session: a call to a model, or something else that happened.
struct UsageEvent {
    let id: String
    let time: Timestamp
    let session: String
    let event: String
    /// The tokens; nil when the event is no call.
    private let counts: Counts?
    private let model: String?
    private let provider: String?
    private let agent: String?
    private let project: String?
    private let user: String?
    private let task: String?
    private let cost: Double?
    private let duration: Double?

    private struct Counts {
        var input: Int64
        var output: Int64
        var cacheRead: Int64
        var cacheWrite: Int64
        var reasoning: Int64

        /// Reads the tokens; nil when the sender tells of none.
        init?(_ fields: EventFields) throws(EventFieldError) {
            let told = [
                try fields.count("inputTokens"), try fields.count("outputTokens"), try fields.count("cacheReadTokens"),
                try fields.count("cacheWriteTokens"), try fields.count("reasoningTokens"),
            ]
            guard told.contains(where: { $0 != nil }) else { return nil }
            (input, output, cacheRead) = (told[0] ?? 0, told[1] ?? 0, told[2] ?? 0)
            (cacheWrite, reasoning) = (told[3] ?? 0, told[4] ?? 0)
            guard input + cacheRead + cacheWrite <= TokenCounts.limit else {
                throw EventFieldError("inputTokens", "and cached tokens must together be at most \(TokenCounts.limit)")
            }
        }

        /// No tokens.
        init() { (input, output, cacheRead, cacheWrite, reasoning) = (0, 0, 0, 0, 0) }
    }

    /// The event of older clients, which name none.
    static let standard = "token_usage"

    /// Reads an event.
    init(_ fields: EventFields, now: Timestamp) throws(EventFieldError) {
        guard let session = try fields.text("sessionId") else { throw EventFieldError("sessionId", "is required") }
        self.session = session
        event = try fields.text("event", limit: 128) ?? Self.standard
        let counts = try Counts(fields)
        model = try fields.text("model")
        provider = try fields.text("provider")
        agent = try fields.text("agentName")
        project = try fields.text("project")
        user = try fields.text("user")
        task = try fields.text("taskStatus", limit: 4_096)
        cost = try fields.amount("cost", limit: 1e9)
        duration = try fields.amount("duration", limit: 1e12)
        time = try fields.instant("timestamp") ?? now
        // Without tokens and without a cost, only what is called usage is a call.
        self.counts = counts ?? (event == Self.standard || cost != nil ? Counts() : nil)
        id = try fields.text("id") ?? Self.freshID()
    }

    /// An id that nothing else has: 128 random bits.
    private static func freshID() -> String {
        let digits = String(UInt128.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    /// The id of its call in answers; nil when it is none.
    var callID: String? {
        guard counts != nil else { return nil }
        return Call(id: CallKeys.eventKey(id), time: time, counts: TokenCounts()).name
    }

    /// The event as a log record.
    var draft: LogRecordDraft {
        var record = LogRecordDraft(time: UInt64(clamping: time.nanoseconds), eventName: event)
        record.attributes.reserveCapacity(16)
        record.append(.sessionID, .string(session))
        record.append(EventRecord.id, .string(id))
        record.append(.genAIAgentName, agent)
        record.append(.genAIProviderName, provider)
        record.append(.genAIResponseModel, model)
        record.append(.projectName, project)
        record.append(.userID, user)
        record.append(EventRecord.task, task)
        if let counts {
            record.append(.genAIUsageInputTokens, .int(counts.input + counts.cacheRead + counts.cacheWrite))
            record.append(.genAIUsageOutputTokens, .int(counts.output))
            record.append(.genAIUsageCacheReadInputTokens, .int(counts.cacheRead))
            record.append(.genAIUsageCacheWriteInputTokens, .int(counts.cacheWrite))
            record.append(.genAIUsageReasoningOutputTokens, .int(counts.reasoning))
        }
        if let cost { record.append(.costUSD, .double(cost)) }
        if let duration { record.append(.durationMs, .double(duration)) }
        return record
    }
}
