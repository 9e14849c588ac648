// SPDX-License-Identifier: Apache-2.0

import CollectorKit

extension TelemetryJSON {
    /// The answer to a scan.
    static func scan(_ report: ScanReport) -> JSONValue {
        [
            "ok": true,
            "scanned": .integer(Int64(report.scanned)),
            "ingested": .integer(Int64(report.ingested)),
            "skipped": .integer(Int64(report.skipped)),
            "durationMs": .integer(report.durationMilliseconds),
            "calls": .integer(Int64(report.calls)),
            "unreadableFiles": .integer(Int64(report.unreadable)),
            "skippedLines": .integer(Int64(report.skippedLines)),
            "unknownLines": unknownLines(report),
            "problems": .array(report.problems.map { .string($0.description) }),
        ]
    }

    /// Lines of unknown types, by type.
    static func unknownLines(_ report: ScanReport) -> JSONValue {
        .object(
            report.unknownLines.sorted { $0.key < $1.key }.map { type, lines in
                (key: type, value: ["lines": .integer(Int64(lines.count)), "first": .string(lines.first)])
            }
        )
    }
}
