// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import SQLiteUsage
import Usage

/// One line of the store.
///
/// A file is a sequence of JSON objects, one on a line, each acknowledged by its line feed. A line is a batch as it came in, after
/// the pipeline's processors, with what the store learned from it:
///
/// ```json
/// {"version":1,"receivedAt":"2026-11-22T08:13:37.999Z","records":2,"earliestUnixNano":"…","latestUnixNano":"…",
///  "calls":[{"callId":"…","timestamp":"…","sessionId":"…","model":"…","inputTokens":10,"cost":0.0125,"counted":true,…,
///            "observations":[{"id":"…","source":"otlp_log",…}]}],
///  "retired":["…"],
///  "sessions":[{"sessionId":"…","sighted":true,"firstUnixNano":"…","lastUnixNano":"…","records":[[0,1]]}],
///  "resourceLogs":[…]}
/// ```
///
/// - `resourceLogs`, `resourceSpans` or `resourceMetrics` make the line a valid OTLP/JSON request; readers of the OpenTelemetry
///   Collector's file exporter ignore the other members. Missing with `records: usage`.
/// - `calls` are the calls that the batch made or changed, as they stand after it: names and units are those of the API's Call.
///   A later line with the same `callId` replaces an earlier one, `retired` takes calls away. Costs by model are therefore
///
///   ```sh
///   jq -rn '[inputs|(.calls[]?),(.retired[]?|{callId:.})]|group_by(.callId)|map(last|select(.counted))
///           |group_by(.model)[]|[.[0].model,(map(.cost)|add)]|@tsv' telemetry*.jsonl
///   ```
/// - A call's `observations` are its sources: all from which it can be made again. Hashes are sixteen hexadecimal digits,
///   instants of which the nanosecond counts are quoted digits.
/// - `sessions` are the sessions of which the batch told; what is told of one session in several lines is merged. `records` says which
///   records of the line are the session's, as pairs of first and last positions.
/// - `records`, `earliestUnixNano` and `latestUnixNano` count the records and say which stretch of time the line covers.
/// - `"snapshot":true` says that the file replaces all files before it; a compaction writes it.
/// - `compactedUnixNano` is the border of a compaction: what ended before it was removed and is not taken in again. `expired` holds
///   calls before the border that do not count and are only there so that a late observation finds them.
///
/// Members that decide come first, so that no reader needs the records to know what a call cost.
struct UsageLine {
    var receivedAt: String?
    var extent: RecordExtent?
    var calls: [PricedEntry] = []
    var expired: [LedgerEntry] = []
    var retired: [UInt64] = []
    var sessions: [SessionEntry] = []
    /// Whether everything before the line is void.
    var isSnapshot = false
    /// Up to where the store was compacted.
    var compacted: CompactionBorder?
    /// The records: what they are, and at which byte of the line their member begins.
    var records: (signal: Signal, offset: Int)?

    /// Reads a line.
    ///
    /// - Parameters:
    ///   - bytes: What holds the line.
    ///   - range: Where it lies, without its line feed.
    ///   - isWhole: Whether the line ends there; otherwise it is enough that everything before the records is there.
    /// - Throws: ``LineError/incomplete`` only for lines that are not whole.
    init(_ bytes: [UInt8], _ range: Range<Int>, isWhole: Bool) throws(LineError) {
        do throws(LineError) {
            try self.init(reading: bytes, range)
        } catch {
            throw isWhole ? .malformed : error
        }
        guard isWhole, records != nil else { return }
        guard bytes[range].suffix(2).elementsEqual("]}".utf8) else { throw .malformed }
    }

    private init(reading bytes: [UInt8], _ range: Range<Int>) throws(LineError) {
        var cursor = LineCursor(bytes, range)
        var line = UsageLine()
        var version: Int64?
        try cursor.members { cursor, key throws(LineError) in
            if version == nil {
                guard key == .version else { throw .malformed }
                version = try cursor.integer()
                guard version == Int64(LineWriter.version) else { throw .malformed }
                return true
            }
            if let signal = key.signal {
                line.records = (signal, cursor.memberStart - range.lowerBound)
                return false
            }
            try line.read(key, &cursor)
            return true
        }
        guard version != nil, line.records != nil || cursor.position == range.upperBound else { throw .malformed }
        self = line
    }

    /// A line of nothing.
    init() {}

    /// Whether it says nothing.
    var isEmpty: Bool {
        extent == nil && calls.isEmpty && expired.isEmpty && retired.isEmpty && sessions.isEmpty && !isSnapshot
            && compacted == nil
    }

    private mutating func read(_ key: LineKey, _ cursor: inout LineCursor) throws(LineError) {
        switch key {
        case .receivedAt: receivedAt = try cursor.text()
        case .records: extentOrNew.count = Int(clamping: try cursor.integer())
        case .earliestUnixNano: extentOrNew.earliest = try cursor.unixNano()
        case .latestUnixNano: extentOrNew.latest = try cursor.unixNano()
        case .calls: try cursor.array { cursor throws(LineError) in calls.append(try PricedEntry(&cursor)) }
        case .expired: try cursor.array { cursor throws(LineError) in expired.append(try PricedEntry(&cursor).entry) }
        case .retired: try cursor.array { cursor throws(LineError) in retired.append(try cursor.hash()) }
        case .sessions: try cursor.array { cursor throws(LineError) in sessions.append(try SessionEntry(&cursor)) }
        case .snapshot: isSnapshot = try cursor.flag()
        case .compactedUnixNano: compacted = CompactionBorder(before: try cursor.unixNano())
        default: try cursor.skip()
        }
    }

    private var extentOrNew: RecordExtent {
        get { extent ?? RecordExtent() }
        set { extent = newValue }
    }

    /// What the line says of calls and sessions.
    var change: LoggedChange {
        var change = LoggedChange()
        (change.calls, change.expired, change.retired) = (calls, expired, retired)
        change.sessions = sessions.map { ($0.update, $0.isSighted) }
        return change
    }

    /// The line's records as a batch again.
    func batch(_ place: LinePlace, _ file: ReadableFile) -> Batch? {
        guard let records else { return nil }
        var json = file.bytes(
            at: place.offset + Int64(records.offset) - 1,
            count: Int(place.length) - records.offset + 1
        )
        guard !json.isEmpty else { return nil }
        json[0] = UInt8(ascii: "{")
        guard let otlp = try? OTLPBatch(signal: records.signal, json: json) else { return nil }
        return Batch(otlp, receivedAt: receivedAt.flatMap(Timestamp.init(iso8601:)) ?? Timestamp(nanoseconds: 0))
    }

    /// The sessions with the positions that their records have after some were dropped.
    func sessions(of batch: Batch) -> [SessionEntry] {
        var positions: [Int: Int] = [:]
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            positions[record] = positions.count
        }
        return sessions.map { session in
            var session = session
            // Within the batch: the positions of a damaged line can be as large as any.
            let records = 0..<batch.otlp.records.count
            let kept = session.records.flatMap { Range($0).clamped(to: records) }.compactMap { positions[$0] }
            session.records = kept.map { $0...$0 }
            return session
        }
    }
}

extension PricedEntry {
    /// Reads a call; only its price and its observations are needed, all else follows from them.
    init(_ cursor: inout LineCursor) throws(LineError) {
        var price = CallPrice(cost: .zero, isPriced: false, computed: nil)
        var observations: [Observation] = []
        try cursor.object { cursor, key throws(LineError) in
            switch key {
            case .cost: price.cost = try cursor.money()
            case .priced: price.isPriced = try cursor.flag()
            case .computedCost: price.computed = try cursor.money()
            case .observations:
                try cursor.array { cursor throws(LineError) in observations.append(try Observation(&cursor)) }
            default: try cursor.skip()
            }
        }
        guard let entry = LedgerEntry(observations: observations) else { throw .malformed }
        self.init(entry: entry, price: price)
    }
}

/// How many records there are and which stretch of time they tell of.
struct RecordExtent: Equatable {
    var count = 0
    var earliest = Timestamp(nanoseconds: .max)
    var latest = Timestamp(nanoseconds: 0)

    mutating func add(_ time: Timestamp) {
        earliest = min(earliest, time)
        latest = max(latest, time)
    }
}
