// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

extension TelemetryJSON {
    /// The answer about how well a period's calls are known.
    ///
    /// - Parameters:
    ///   - faults: What of session files could not be read or explained.
    ///   - unmatched: Prices of the user's that reach no stored call.
    ///   - intake: Telemetry that was not taken or not read since the collector started, whatever the period.
    ///   - dropped: Texts that were dropped on purpose since the collector started.
    static func quality(
        _ quality: DataQuality,
        of period: Period,
        faults: ScanReport,
        unmatched: [UnmatchedOverride],
        intake: [IntakeProblem],
        dropped: [DroppedText]
    ) -> JSONValue {
        [
            "period": .string(period.name),
            "from": .string(period.from),
            "to": .string(period.to),
            "timezone": .string(period.timezone),
            "calls": .integer(quality.calls),
            "oneWitness": .integer(quality.oneWitness),
            "severalWitnesses": .integer(quality.severalWitnesses),
            "weaklyJoined": .integer(quality.weaklyJoined),
            "unpriced": .integer(quality.unpriced),
            "rollUpsNotCounted": .integer(quality.rollUps),
            "sumsOfUnknownCalls": .integer(quality.sumsOfUnknownCalls),
            "sources": .array(
                quality.sources.sorted { $0.key < $1.key }.map { key, use in
                    [
                        "agent": .string(name(key.agent)),
                        "machine": .string(name(key.machine)),
                        "sources": .array(key.sources.map { .string($0.name) }),
                        "calls": .integer(use.calls),
                        "lastSeenAt": .string(use.lastSeen.iso8601),
                    ]
                }
            ),
            "costs": .array(
                quality.costs.sorted { $0.key < $1.key }.map { key, cost in
                    [
                        "model": .string(name(key.model)),
                        "agreement": .string(key.reason.name),
                        "calls": .integer(cost.calls),
                        "reported": money(cost.reported),
                        "computed": money(cost.computed),
                    ]
                }
            ),
            "sessionCosts": sessionCosts(quality.sessionCosts),
            "unmatchedOverrides": self.unmatched(unmatched),
            "unreadableFiles": .integer(Int64(faults.unreadable)),
            "skippedLines": .integer(Int64(faults.skippedLines)),
            "unexplainedTokens": .integer(faults.unexplainedTokens),
            "unknownLines": unknownLines(faults),
            "problems": .array((faults.problems.map(\.description) + intake.map(\.message)).map { .string($0) }),
            "intakeProblems": intakeProblems(intake),
            "droppedTexts": .array(
                dropped.map {
                    [
                        "key": .string($0.key), "count": .integer(Int64($0.count)),
                        "firstSeenAt": .string($0.firstSeen.iso8601), "lastSeenAt": .string($0.lastSeen.iso8601),
                    ]
                }
            ),
        ]
    }

    /// Telemetry that was not taken or not read.
    static func intakeProblems(_ problems: [IntakeProblem]) -> JSONValue {
        .array(
            problems.map { problem in
                [
                    "code": .string(problem.code.rawValue),
                    "message": .string(problem.message),
                    "next": .string(problem.next),
                    "subject": .string(problem.subject),
                    "client": .string(problem.client),
                    "signal": JSONValue(problem.signal?.rawValue),
                    "status": problem.status.map { .integer(Int64($0)) } ?? .null,
                    "count": .integer(Int64(problem.count)),
                    "firstSeenAt": .string(problem.firstSeen.iso8601),
                    "lastSeenAt": .string(problem.lastSeen.iso8601),
                ]
            }
        )
    }

    private static func sessionCosts(_ costs: DataQuality.SessionCosts) -> JSONValue {
        [
            "compared": .integer(costs.compared),
            "differing": .integer(costs.differing),
            "sessions": .array(
                costs.largest.map {
                    [
                        "sessionId": .string($0.session), "reported": money($0.reported), "counted": money($0.counted),
                    ]
                }
            ),
        ]
    }
}
