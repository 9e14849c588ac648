// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes
import JSON
import OTLP
import Usage

/// The events of a request: one, or a list that is accepted as a whole or refused as a whole.
struct IngestRequest {
    let events: [UsageEvent]
    /// Whether the sender posted a list and expects one in the answer.
    let isList: Bool

    /// The largest number of events in a list.
    static let largestList = 1_000

    /// Parses a body.
    init(_ body: [UInt8], now: Timestamp) throws(EventsError) {
        let fields: [EventFields]
        (fields, isList) = try Self.fields(body)
        var events: [UsageEvent] = []
        events.reserveCapacity(fields.count)
        for (position, fields) in fields.enumerated() {
            do throws(EventFieldError) {
                events.append(try UsageEvent(fields, now: now))
            } catch {
                let place = isList ? "event \(position): " : ""
                throw .invalid("\(place)\(error.field) \(error.rule)")
            }
        }
        self.events = events
    }

    private static func fields(_ body: [UInt8]) throws(EventsError) -> ([EventFields], isList: Bool) {
        let isList = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "[")
        let known = try KnownMembers(events: body, most: largestList)
        guard known.count <= largestList else {
            throw .invalid("a list may have at most \(largestList) events, this one has \(known.count)")
        }
        do {
            let data = Data(known.json)
            return isList
                ? (try JSONDecoder().decode([EventFields].self, from: data), true)
                : ([try JSONDecoder().decode(EventFields.self, from: data)], false)
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            guard isList, let position = context.codingPath.first?.intValue else {
                throw .invalid("the body must be an event, which is a JSON object, or a list of events")
            }
            throw .invalid("event \(position): must be a JSON object")
        } catch {
            throw .invalid("the body is no JSON")
        }
    }
}

extension KnownMembers {
    /// Parses the members of events.
    init(events body: [UInt8], most: Int) throws(EventsError) {
        // JSON is UTF-8. In UTF-16 and UTF-32, which decoders detect, its brackets have zero bytes next to them.
        guard String(validating: body, as: UTF8.self) != nil, !body.contains(0) else {
            throw .invalid("the body is not UTF-8")
        }
        do throws(Fault) {
            try self.init(body, names: EventFields.names, most: most)
        } catch {
            switch error {
            case .malformed(let error): throw .invalid("the body is no JSON: at byte \(error.offset) \(error.message)")
            case .repeated(let event): throw .invalid("event \(event): names its members again and again")
            }
        }
    }
}

extension ServerResponse {
    /// The answer when events are stored, with the ids of their calls.
    init(accepting request: IngestRequest) {
        func quoted(_ id: String?) -> String { id.map { "\"\($0)\"" } ?? "null" }
        let ids = request.events.map { quoted($0.callID) }
        let text =
            request.isList
            ? "{\"ok\":true,\"accepted\":\(ids.count),\"callIds\":[\(ids.joined(separator: ","))]}"
            : "{\"ok\":true,\"callId\":\(ids.first ?? "null")}"
        self.init(.accepted, [.contentType: "application/json"], body: .bytes(Array(text.utf8)))
    }

    /// The answer when events are refused.
    init(_ refusal: EventsError) {
        struct Failure: Encodable {
            let error: String
            let status: Int
        }
        let failure = Failure(error: refusal.message, status: refusal.status.code)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = (try? encoder.encode(failure)).map { Array($0) } ?? []
        self.init(refusal.status, refusal.fields, body: .bytes(body))
        rejection = Rejection(refusal.problem ?? IntakeProblem.Code(status: refusal.status.code), refusal.message)
        head.headerFields[.contentType] = "application/json"
    }
}

/// One event of a session: a call to a model, or something else that happened.
struct UsageEvent {
    let id: String
    let time: Timestamp
    let session: String
    let event: String
    /// The tokens; nil when the event is not a call.
    private let counts: Counts?
    private let model: String?
    private let provider: String?
    private let agent: String?
    private let project: String?
    private let user: String?
    private let team: String?
    private let task: String?
    private let cost: Double?
    private let duration: Double?

    private struct Counts {
        var input: Int64
        var output: Int64
        var cacheRead: Int64
        var cacheWrite: Int64
        var reasoning: Int64

        /// Parses the tokens; nil when the event has none.
        init?(_ fields: EventFields) throws(EventFieldError) {
            let counts = [
                try fields.count("inputTokens"), try fields.count("outputTokens"), try fields.count("cacheReadTokens"),
                try fields.count("cacheWriteTokens"), try fields.count("reasoningTokens"),
            ]
            guard counts.contains(where: { $0 != nil }) else { return nil }
            (input, output, cacheRead) = (counts[0] ?? 0, counts[1] ?? 0, counts[2] ?? 0)
            (cacheWrite, reasoning) = (counts[3] ?? 0, counts[4] ?? 0)
            guard input + cacheRead + cacheWrite <= TokenCounts.limit else {
                throw EventFieldError("inputTokens", "and cached tokens must together be at most \(TokenCounts.limit)")
            }
        }

        /// Creates counts of zero.
        init() { (input, output, cacheRead, cacheWrite, reasoning) = (0, 0, 0, 0, 0) }
    }

    /// The event name for older clients, which send none.
    static let standard = "token_usage"

    /// Parses an event.
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
        team = try fields.text("team")
        task = try fields.text("taskStatus")
        cost = try fields.amount("cost", limit: 1e9)
        duration = try fields.amount("duration", limit: 1e12)
        time = try fields.instant("timestamp") ?? now
        // Without tokens and cost, only an event named usage is a call.
        self.counts = counts ?? (event == Self.standard || cost != nil ? Counts() : nil)
        id = try fields.text("id", limit: 512) ?? Self.freshID()
    }

    /// A new id of 128 random bits.
    private static func freshID() -> String {
        let digits = String(UInt128.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    /// The id of its call in answers; nil when it is not a call.
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
        record.append(.teamID, team)
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
