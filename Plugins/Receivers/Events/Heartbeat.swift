// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes
import OTLP
import Usage

/// A report that a session is alive.
struct Heartbeat {
    private let session: String
    /// The session as stores know it.
    let keptSession: String
    private let time: Timestamp
    private let status: String?
    private let task: String?
    private let agent: String?
    private let model: String?
    private let isCompleted: Bool

    /// The words that end a session.
    private static let endings: Set<String> = ["completed", "done", "ended"]

    /// Parses a body.
    init(_ body: [UInt8], now: Timestamp) throws(EventsError) {
        let fields: EventFields
        let known = try KnownMembers(events: body, most: 0)
        do {
            fields = try JSONDecoder().decode(EventFields.self, from: Data(known.json))
        } catch DecodingError.typeMismatch, DecodingError.valueNotFound {
            throw .invalid("the body must be a heartbeat, which is a JSON object")
        } catch {
            throw .invalid("the body is no JSON")
        }
        do throws(EventFieldError) {
            try self.init(fields, now: now)
        } catch {
            throw .invalid("\(error.field) \(error.rule)")
        }
    }

    private init(_ fields: EventFields, now: Timestamp) throws(EventFieldError) {
        guard let session = try fields.text("sessionId") else { throw EventFieldError("sessionId", "is required") }
        self.session = session
        keptSession = NameLimit.bounded(session)
        time = try fields.instant("timestamp") ?? now
        status = try fields.text("status", limit: 128)
        task = try fields.text("taskStatus")
        agent = try fields.text("agentName")
        model = try fields.text("model")
        let isFlagged = try fields.flag("completed") == true
        isCompleted = isFlagged || status.map { Self.endings.contains($0.lowercased()) } == true
    }

    /// The heartbeat as a log record.
    var draft: LogRecordDraft {
        var record = LogRecordDraft(time: UInt64(clamping: time.nanoseconds), eventName: "heartbeat")
        record.append(.sessionID, .string(session))
        record.append("hammurabi.status", status)
        record.append(EventRecord.task, task)
        record.append(EventRecord.completed, .bool(isCompleted))
        record.append(.genAIAgentName, agent)
        record.append(.genAIRequestModel, model)
        return record
    }

    /// The session as this heartbeat alone describes it.
    fileprivate func session(at now: Timestamp) -> Session {
        var known = Session(id: keptSession, startedAt: time, lastSeenAt: time)
        (known.agent, known.model, known.taskStatus) = (agent, model, task)
        known.isCompleted = isCompleted
        return known
    }
}

extension ServerResponse {
    /// The answer when a heartbeat is stored, with the store's data of its session.
    init(beaten session: String) {
        let body = "{\"ok\":true,\"session\":\(session)}"
        self.init(.ok, [.contentType: "application/json"], body: .bytes(Array(body.utf8)))
    }

    /// The answer when a heartbeat is stored and no component knows sessions: the heartbeat's own data, in the form of the API.
    init(accepting heartbeat: Heartbeat, now: Timestamp) {
        struct Answer: Encodable {
            struct Known: Encodable {
                let sessionId: String
                let agent: String?
                let model: String?
                let status: String
                let taskStatus: String?
                let lastSeenAt: String
            }
            var ok = true
            let session: Known
        }
        let session = heartbeat.session(at: now)
        let known = Answer.Known(
            sessionId: session.id,
            agent: session.agent,
            model: session.model,
            status: session.status(at: now).rawValue,
            taskStatus: session.taskStatus,
            lastSeenAt: session.lastSeenAt.iso8601
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = (try? encoder.encode(Answer(session: known))).map { Array($0) } ?? []
        self.init(.ok, [.contentType: "application/json"], body: .bytes(body))
    }
}
