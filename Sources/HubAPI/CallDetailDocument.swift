// SPDX-License-Identifier: Apache-2.0

package import Usage

/// One call with what it was made of.
package struct CallDetailDocument: Codable, Hashable, Sendable {
    package var sessionId: String
    package var call: CallDocument
    /// The most reliable first.
    package var observations: [ObservationDocument]
    /// The position in `observations` that each figure is from; a figure that none knows is missing.
    package var figures: ByName<Int64>
    /// The spans of the observations, and the stored log records at the times of the others, as they were kept.
    package var records: [Record]
    /// Whether the store keeps records of what it takes in now.
    package var keepsRecords: Bool

    /// A stored log record or span.
    package struct Record: Codable, Hashable, Sendable {
        package var timestamp: String
        package var name: String
        /// The positions of the observations that it was or may have been.
        package var observations: [Int64]
        /// The record with its resource and scope, as OTLP/JSON; nil when it is too long for an answer.
        package var otlp: String?
        /// The length of that text in bytes.
        package var size: Int64
    }

    package init(_ detail: CallDetail) {
        (sessionId, call, keepsRecords) = (detail.session, CallDocument(detail.call), detail.keepsRecords)
        observations = detail.evidence.observations.map(ObservationDocument.init)
        figures = ByName(
            CallEvidence.Figure.allCases.compactMap { figure in
                detail.evidence.sources[figure].map { (figure.rawValue, Int64($0)) }
            }
        )
        records = detail.records.map { record in
            Record(
                timestamp: record.time.iso8601,
                name: record.name,
                observations: record.observations.map(Int64.init),
                otlp: record.json,
                size: Int64(record.size)
            )
        }
    }
}

/// What one source reports of a call.
package struct ObservationDocument: Codable, Hashable, Sendable {
    package var source: String
    package var timestamp: String
    /// From 0 to 255; the figures of the highest are taken.
    package var priority: Int64
    package var agent: String?
    package var model: String?
    package var provider: String?
    package var sessionId: String?
    package var user: String?
    package var project: String?
    package var machine: String?
    package var team: String?
    package var inputTokens: Int64
    package var outputTokens: Int64
    package var cacheReadTokens: Int64
    package var cacheWriteTokens: Int64
    package var reasoningTokens: Int64
    package var reportedCost: Dollars?
    package var durationMs: Int64?
    package var error: String?

    init(_ observation: Observation) {
        let counts = observation.counts
        (source, timestamp) = (observation.source.name, observation.time.iso8601)
        priority = Int64(observation.priority)
        (agent, model, provider) = (observation.agent, observation.model, observation.provider)
        (sessionId, user, project) = (observation.session, observation.user, observation.project)
        (machine, team) = (observation.machine, observation.team)
        (inputTokens, outputTokens, reasoningTokens) = (counts.uncachedInput, counts.output, counts.reasoning)
        (cacheReadTokens, cacheWriteTokens) = (counts.cacheRead, counts.cacheWrite)
        reportedCost = observation.reportedCost.map(Dollars.init)
        (durationMs, error) = (observation.duration.map { $0 / 1_000_000 }, observation.error)
    }
}
