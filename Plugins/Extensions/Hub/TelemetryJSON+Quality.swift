// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

extension TelemetryJSON {
    /// The answer about how well a period's calls are known.
    ///
    /// - Parameter faults: What of session files could not be read or explained.
    static func quality(_ quality: DataQuality, of period: Period, faults: ScanReport) -> JSONValue {
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
            "unreadableFiles": .integer(Int64(faults.unreadable)),
            "skippedLines": .integer(Int64(faults.skippedLines)),
            "unexplainedTokens": .integer(faults.unexplainedTokens),
            "unknownLines": unknownLines(faults),
            "problems": .array(faults.problems.map { .string($0.description) }),
        ]
    }
}
