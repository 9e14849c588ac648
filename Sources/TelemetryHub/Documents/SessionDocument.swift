// SPDX-License-Identifier: Apache-2.0

/// A session, as the API tells of it.
struct SessionDocument: Decodable {
    var facts: Facts
    var figures: UsageFigures

    /// What is known of it beside its sums.
    struct Facts: Codable {
        var sessionId: String
        var name: String
        var agent: String?
        var model: String?
        var project: String?
        var user: String?
        var machine: String?
        var branch: String?
        var agentVersion: String?
        var parentSessionId: String?
        var status: String
        var taskStatus: String?
        var provenance: String?
        var startedAt: String
        var lastSeenAt: String
        var durationMs: Int64
    }

    init(facts: Facts, figures: UsageFigures) {
        (self.facts, self.figures) = (facts, figures)
    }

    init(from decoder: any Decoder) throws {
        facts = try Facts(from: decoder)
        figures = try UsageFigures(from: decoder)
    }
}

extension SessionDocument: Encodable {
    func encode(to encoder: any Encoder) throws {
        try facts.encode(to: encoder)
        try figures.encode(to: encoder)
    }
}

/// The API's answer about sessions.
struct SessionsDocument: Decodable {
    var sessions: [SessionDocument]
    var nextCursor: String?
    var total: Int64
}

/// The API's answer about one session.
struct SessionDetailDocument: Decodable {
    var session: SessionDocument
    var calls: [CallDocument]
    var events: [Event]
    var costByModel: [String: Dollars]
    var subagents: [Subagent]?

    struct Event: Decodable {
        var timestamp: String
        var name: String
    }

    struct Subagent: Decodable {
        var session: SessionDocument
        var calls: [CallDocument]
    }
}

/// A call of a model, as the API tells of it.
struct CallDocument: Decodable {
    var callId: String
    var timestamp: String
    var model: String?
    var provider: String?
    var priced: Bool
    var reportedCost: Dollars?
    var durationMs: Int64?
    var sources: [String]
    var error: String?
    var figures: UsageFigures

    private enum Keys: String, CodingKey {
        case callId, timestamp, model, provider, priced, reportedCost, durationMs, sources, error
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        callId = try values.decode(String.self, forKey: .callId)
        timestamp = try values.decode(String.self, forKey: .timestamp)
        model = try values.decodeIfPresent(String.self, forKey: .model)
        provider = try values.decodeIfPresent(String.self, forKey: .provider)
        priced = try values.decode(Bool.self, forKey: .priced)
        reportedCost = try values.decodeIfPresent(Dollars.self, forKey: .reportedCost)
        durationMs = try values.decodeIfPresent(Int64.self, forKey: .durationMs)
        sources = try values.decode([String].self, forKey: .sources)
        error = try values.decodeIfPresent(String.self, forKey: .error)
        figures = try UsageFigures(from: decoder)
        (figures.calls, figures.unpricedCalls) = (1, priced ? 0 : 1)
    }
}

extension CallDocument: Encodable {
    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(callId, forKey: .callId)
        try values.encode(timestamp, forKey: .timestamp)
        try values.encode(model, forKey: .model)
        try values.encode(provider, forKey: .provider)
        try values.encode(priced, forKey: .priced)
        try values.encode(reportedCost, forKey: .reportedCost)
        try values.encode(durationMs, forKey: .durationMs)
        try values.encode(sources, forKey: .sources)
        try values.encode(error, forKey: .error)
        try figures.encode(to: encoder)
    }
}
