// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import CollectorTesting
import OTLP
package import Usage

/// A store that a test opened.
package protocol StoreBench {
    var exporter: any Exporter { get }
}

extension StoreBench {
    /// Keeps batches one after the other.
    package func consume(_ batches: [Batch]) async throws {
        for batch in batches { try await exporter.consume(batch) }
    }

    /// Why a batch is not kept; nil when it is.
    package func refusal(of batch: Batch) async -> ConsumeError? {
        do throws(ConsumeError) {
            try await exporter.consume(batch)
            return nil
        } catch {
            return error
        }
    }
}

/// 2026-11-22T08:00:00Z.
package let morning = Timestamp(nanoseconds: 1_795_334_400_000_000_000)

extension Timestamp {
    package static func + (left: Timestamp, seconds: Double) -> Timestamp {
        Timestamp(nanoseconds: left.nanoseconds + Int64(seconds * 1e9))
    }
}

extension Batch {
    /// A batch of log records that belong to these sessions, with observations that have nothing to do with them.
    package init(
        _ observations: [Observation] = [],
        records: [(name: String, session: String, time: Timestamp)] = [],
        pricing: Pricing? = nil
    ) throws {
        let logs = records.map { record in
            #"{"eventName":"\#(record.name)","timeUnixNano":"\#(record.time.nanoseconds)","body":{"stringValue":"\#(record.session)"}}"#
        }
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(logs.joined(separator: ","))]}]}]}"#
        self.init(try OTLPBatch(signal: .logs, json: Array(json.utf8)), receivedAt: morning)
        self.observations = observations
        self.pricing = pricing
        for (number, record) in records.enumerated() where !record.session.isEmpty {
            let known = sessions.firstIndex { $0.id == record.session }
            if let known { sessions[known].extend(to: record.time) }
            let update = SessionUpdate(id: record.session, time: record.time)
            sessions.assign(record: number, to: known ?? sessions.append(update))
        }
    }
}

extension Observation {
    /// An observation by a log record, unless told otherwise.
    package init(
        _ id: UInt64,
        at time: Timestamp = morning,
        session: String? = "s",
        model: String? = "m",
        input: Int64 = 10,
        output: Int64 = 5,
        source: Source = .otlpLog
    ) {
        self.init(
            id: id,
            time: time,
            source: source,
            emitter: UInt64(source.rawValue),
            priority: source == .otlpLog ? 90 : 80
        )
        self.session = session
        self.model = model
        counts = TokenCounts(uncachedInput: input, output: output)
    }

    /// The same with some members changed.
    package func with(_ change: (inout Observation) -> Void) -> Observation {
        var other = self
        change(&other)
        return other
    }
}

/// The prices of these tests: one dollar for a million tokens in and two out; twice that for cache writes that live an hour.
package func testPricing() throws -> Pricing {
    let own = try PriceOverride(model: "m", input: "1", output: "2", cacheRead: "0", cacheWrite: "1", cacheWrite1h: "2")
    let table = try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8))
    return Pricing(table: table.overridden(by: [own]))
}

/// A period of days in a time zone.
package func period(_ from: String, _ to: String, _ timezone: String = "UTC") throws -> Period {
    try Period(nil, from: from, to: to, timezone: timezone, now: morning)
}
