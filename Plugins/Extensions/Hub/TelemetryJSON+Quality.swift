// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

extension TelemetryJSON {
    /// The answer about how well a period's calls are known.
    ///
    /// - Parameter scans: What the last scans of session files could not read.
    static func quality(_ quality: DataQuality, of period: Period, scans: [ScanReport]) -> JSONValue {
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
            "unreadableFiles": .integer(Int64(scans.reduce(0) { $0 + $1.unreadable })),
            "skippedLines": .integer(Int64(scans.reduce(0) { $0 + $1.skippedLines })),
            "unexplainedTokens": .integer(scans.reduce(0) { $0 + $1.unexplainedTokens }),
            "unknownLines": unknownLines(scans.reduce(into: ScanReport()) { $0.add($1) }),
            "problems": .array(scans.flatMap(\.problems).map { .string($0.description) }),
        ]
    }
}
