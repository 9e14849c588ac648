// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import FoundationEssentials
import OTLP
import SendingQueue
import Usage

/// The output of `hammurabi queue`.
struct QueueReport {
    private let rows: [Row]

    /// One queue.
    private struct Row: Encodable {
        var exporter: String
        /// A signal, or `dead-letters`.
        var queue: String
        var batches: Int
        var records: Int
        var bytes: Int
        var oldest: String?
        var damagedFiles: [String]

        init(_ exporter: String, _ queue: String, _ survey: QueueSurvey) {
            self.exporter = exporter
            self.queue = queue
            batches = survey.waiting.batches
            records = survey.waiting.records
            bytes = survey.waiting.bytes
            oldest = survey.oldest?.iso8601
            damagedFiles = survey.damagedFiles
        }
    }

    init(_ queues: [ForwardingQueue]) throws {
        rows = try queues.flatMap { queue in
            let waiting = try Signal.allCases.map { Row(queue.id, "\($0)", try queue.survey($0)) }
            return waiting + [Row(queue.id, "dead-letters", try queue.surveyDeadLetters())]
        }
    }

    var json: String { JSONText.line(["queues": rows]) }

    func text(isTerminal: Bool) -> String {
        var table = TextTable(columns: [
            .init(title: "Exporter"), .init(title: "Queue"), .init(title: "Batches", isNumber: true, rank: 1),
            .init(title: "Records", isNumber: true), .init(title: "Bytes", isNumber: true),
            .init(title: "Oldest", isNumber: true),
            .init(
                title: "Damaged files",
                isNumber: true,
                rank: rows.allSatisfy(\.damagedFiles.isEmpty) ? 2 : 0
            ),
        ])
        let style = Style(isTerminal: isTerminal, environment: Environment.process.variables)
        table.rows = rows.map { row in
            func number(_ value: Int) -> String { isTerminal ? Figures.grouped(Int64(value)) : "\(value)" }
            return TextTable.Row(cells: [
                row.exporter, row.queue, number(row.batches), number(row.records), number(row.bytes),
                isTerminal
                    ? row.oldest.map { Figures.age(of: $0, now: Console.now()) } ?? style.none : row.oldest ?? "",
                number(row.damagedFiles.count),
            ])
        }
        guard !rows.isEmpty else { return isTerminal ? "No exporter of this configuration has a queue.\n" : "" }
        return table.text(width: Console.columns, style: style, isTerminal: isTerminal)
    }

    /// The dead letters with their reasons.
    static func letters(_ letters: [ForwardingQueue.Numbered], asJSON: Bool, isTerminal: Bool) -> String {
        guard !asJSON else { return JSONText.line(["deadLetters": letters.map(Letter.init)]) }
        guard !letters.isEmpty else { return isTerminal ? "There are no dead letters.\n" : "" }
        var table = TextTable(columns: [
            .init(title: "Number", isNumber: true), .init(title: "Time"), .init(title: "Signal"),
            .init(title: "Records", isNumber: true), .init(title: "Reason"),
        ])
        table.rows = letters.map { item in
            TextTable.Row(cells: [
                "\(item.number)", item.letter.time.iso8601, "\(item.letter.signal)", "\(item.letter.records)",
                item.letter.reason.printable,
            ])
        }
        let style = Style(isTerminal: isTerminal, environment: Environment.process.variables)
        return table.text(width: Console.columns, style: style, isTerminal: isTerminal)
    }

    /// A request as OTLP/JSON on one line.
    static func request(_ bytes: [UInt8], _ signal: Signal) throws -> String {
        var writer = OTLPJSONWriter()
        writer.writeRequest(try OTLPBatch(signal: signal, protobuf: bytes))
        return String(decoding: writer.finish(), as: UTF8.self) + "\n"
    }

    private struct Letter: Encodable {
        var number: Int
        var time: String
        var signal: String
        var records: Int
        var bytes: Int
        var reason: String

        init(_ item: ForwardingQueue.Numbered) {
            number = item.number
            time = item.letter.time.iso8601
            signal = "\(item.letter.signal)"
            records = item.letter.records
            bytes = item.letter.request.count
            reason = item.letter.reason
        }
    }
}
