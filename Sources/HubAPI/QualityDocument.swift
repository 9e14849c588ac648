// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import OTLP
package import Usage

/// The data quality of a period.
package struct QualityDocument: Codable, Hashable, Sendable {
    package var period: String
    package var from: String
    package var to: String
    package var timezone: String
    package var calls: Int64
    /// Calls that one source reports.
    package var oneWitness: Int64
    /// Calls that several sources report.
    package var severalWitnesses: Int64
    package var weaklyJoined: Int64
    package var unpriced: Int64
    package var rollUpsNotCounted: Int64
    @Added package var sumsOfUnknownCalls: Int64
    package var sources: [Source]
    package var costs: [Cost]
    @Added package var sessionCosts: SessionCosts
    @Added package var unmatchedOverrides: [UnmatchedPrice]
    package var unreadableFiles: Int64
    package var skippedLines: Int64
    package var unexplainedTokens: Int64
    package var unknownLines: ByName<UnknownLinesDocument>
    /// The problems of files, then the messages of ``intakeProblems``.
    package var problems: [String]
    @Added package var intakeProblems: [IntakeProblemDocument]
    @Added package var droppedTexts: [DroppedTextDocument]

    /// The sources of an agent's calls on a machine.
    package struct Source: Codable, Hashable, Sendable {
        package var agent: String
        package var machine: String
        package var sources: [String]
        package var calls: Int64
        package var lastSeenAt: String
    }

    /// The reported and the computed cost of a model's calls.
    package struct Cost: Codable, Hashable, Sendable {
        package var model: String
        package var agreement: String
        package var calls: Int64
        package var reported: Dollars
        package var computed: Dollars
    }

    /// The costs that agents report for whole sessions, compared with the sums of their calls.
    package struct SessionCosts: Codable, Hashable, Sendable, Emptiness {
        package var compared: Int64
        package var differing: Int64
        /// The sessions with the largest differences.
        package var sessions: [Session]

        package struct Session: Codable, Hashable, Sendable {
            package var sessionId: String
            package var reported: Dollars
            package var counted: Dollars
        }

        package static var empty: Self { Self(compared: 0, differing: 0, sessions: []) }
    }

    /// - Parameters:
    ///   - faults: Parts of session files that could not be read or explained.
    ///   - unmatched: Prices of the user that apply to no stored call.
    ///   - intake: Telemetry that was not accepted or not read since the collector started, for any period.
    ///   - dropped: Texts that were dropped on purpose since the collector started.
    package init(
        _ quality: DataQuality,
        of days: Period,
        faults: ScanReport,
        unmatched: [UnmatchedOverride],
        intake: [IntakeProblem],
        dropped: [DroppedText]
    ) {
        (period, from, to, timezone) = (days.name, days.from, days.to, days.timezone)
        (calls, oneWitness, severalWitnesses) = (quality.calls, quality.oneWitness, quality.severalWitnesses)
        (weaklyJoined, unpriced, rollUpsNotCounted) = (quality.weaklyJoined, quality.unpriced, quality.rollUps)
        sumsOfUnknownCalls = quality.sumsOfUnknownCalls
        sources = quality.sources.sorted { $0.key < $1.key }.map { key, use in
            Source(
                agent: nameInAnswers(key.agent),
                machine: nameInAnswers(key.machine),
                sources: key.sources.map(\.name),
                calls: use.calls,
                lastSeenAt: use.lastSeen.iso8601
            )
        }
        costs = quality.costs.sorted { $0.key < $1.key }.map { key, cost in
            Cost(
                model: nameInAnswers(key.model),
                agreement: key.reason.name,
                calls: cost.calls,
                reported: Dollars(cost.reported),
                computed: Dollars(cost.computed)
            )
        }
        let compared = quality.sessionCosts
        sessionCosts = SessionCosts(
            compared: compared.compared,
            differing: compared.differing,
            sessions: compared.largest.map {
                .init(sessionId: $0.session, reported: Dollars($0.reported), counted: Dollars($0.counted))
            }
        )
        unmatchedOverrides = unmatched.map(UnmatchedPrice.init)
        (unreadableFiles, skippedLines) = (Int64(faults.unreadable), Int64(faults.skippedLines))
        (unexplainedTokens, unknownLines) = (faults.unexplainedTokens, UnknownLinesDocument.all(faults))
        problems = faults.problems.map(\.description) + intake.map(\.message)
        (intakeProblems, droppedTexts) = (
            intake.map(IntakeProblemDocument.init), dropped.map(DroppedTextDocument.init)
        )
    }
}

/// Telemetry that was not accepted or not read.
package struct IntakeProblemDocument: Codable, Hashable, Sendable {
    package var code: String
    package var message: String
    /// The next step.
    package var next: String
    package var subject: String
    package var client: String
    package var signal: String?
    package var status: Int64?
    package var count: Int64
    package var firstSeenAt: String
    package var lastSeenAt: String

    init(_ problem: IntakeProblem) {
        (code, message, next) = (problem.code.rawValue, problem.message, problem.next)
        (subject, client, signal) = (problem.subject, problem.client, problem.signal?.rawValue)
        (status, count) = (problem.status.map(Int64.init), Int64(problem.count))
        (firstSeenAt, lastSeenAt) = (problem.firstSeen.iso8601, problem.lastSeen.iso8601)
    }
}

/// Texts under one key that `redaction` dropped.
package struct DroppedTextDocument: Codable, Hashable, Sendable {
    package var key: String
    package var count: Int64
    package var firstSeenAt: String
    package var lastSeenAt: String

    init(_ dropped: DroppedText) {
        (key, count) = (dropped.key, Int64(dropped.count))
        (firstSeenAt, lastSeenAt) = (dropped.firstSeen.iso8601, dropped.lastSeen.iso8601)
    }
}

/// Lines of an unknown type.
package struct UnknownLinesDocument: Codable, Hashable, Sendable {
    package var lines: Int64
    /// The position of the first, `path:line`.
    package var first: String

    /// The unknown lines of a scan, by type.
    static func all(_ report: ScanReport) -> ByName<Self> {
        ByName(
            report.unknownLines.sorted { $0.key < $1.key }.map { type, lines in
                (type, Self(lines: Int64(lines.count), first: lines.first))
            }
        )
    }
}
