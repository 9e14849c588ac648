// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// Calls of 90 days, twenty to a session, and the dashboard's queries about them.
struct History {
    let calls: Int
    private static let callsOfSession = 20
    private static let days: Int64 = 90
    private static let second: Int64 = 1_000_000_000

    /// Fills each store and runs the queries.
    func measure(folder: String) async throws {
        for (name, make) in Workload.stores {
            let exporter = try make("\(folder)/history.\(name)")
            try await exporter.start()
            let filling = try await Measurement.of("fill", records: calls, bytes: 0) {
                try await fill(exporter, 0..<calls)
            }
            print("\n\(name): \(calls) calls in \(calls / Self.callsOfSession) sessions of \(Self.days) days")
            print("filled with \(Measurement.decimal(filling.cpuSeconds / Double(calls) * 1e6)) CPU us a call\n")
            print("| question | first, CPU ms | again, CPU ms | allocations |\n|---|---|---|---|")
            if let store = exporter.usageStore {
                for (question, ask) in try questions(store) { print(try await Self.row(question, ask)) }
            }
            await exporter.shutdown()
        }
    }

    private static func row(_ question: String, _ ask: () async throws -> Void) async throws -> String {
        let first = try await Measurement.of(question, records: 1, bytes: 0, ask)
        var best = first
        for _ in 0..<20 {
            let next = try await Measurement.of(question, records: 1, bytes: 0, ask)
            if next.cpuSeconds < best.cpuSeconds { best = next }
        }
        let times = [first, best].map { Measurement.decimal($0.cpuSeconds * 1_000) }
        return "| \(question) | \(times[0]) | \(times[1]) | \(best.allocations) |"
    }

    private func questions(_ store: any UsageStore) throws -> [(String, () async throws -> Void)] {
        let now = Workload.now
        func summary(_ period: String, timezone: String = "UTC", _ change: (inout UsageQuery) -> Void = { _ in }) throws
            -> () async throws -> Void
        {
            var query = UsageQuery(try Period(period, timezone: timezone, now: now), now: now)
            change(&query)
            return { [query] in _ = try await store.summary(query) }
        }
        func sessions(_ sort: SessionQuery.Sort, _ change: (inout SessionQuery) -> Void = { _ in }) -> () async throws
            -> Void
        {
            var query = SessionQuery(now: now)
            (query.sort, query.limit) = (sort, 50)
            change(&query)
            return { [query] in _ = try await store.sessions(query) }
        }
        return [
            ("summary of 90 days with its dearest 1,000 sessions", try summary("90d")),
            ("the same without sessions", try summary("90d") { $0.listsSessions = false }),
            ("the same, each day by model", try summary("90d") { ($0.listsSessions, $0.series) = (false, .model) }),
            ("summary of 90 days of Berlin", try summary("90d", timezone: "Europe/Berlin")),
            ("summary of 90 days of one project", try summary("90d") { $0.filter[.project] = ["project-3"] }),
            ("summary of 30 days", try summary("30d")),
            ("sessions seen last", sessions(.lastSeenAt)),
            ("dearest sessions", sessions(.cost)),
            ("sessions by name", sessions(.name) { $0.descending = false }),
            ("sessions with a text in their names", sessions(.lastSeenAt) { $0.text = "0042" }),
        ]
    }

    // MARK: - Filling

    private func fill(_ exporter: any Exporter, _ numbers: Range<Int>) async throws {
        let request = 1_000
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: request) {
            let end = min(numbers.upperBound, start + request)
            try await exporter.consume(try Workload.processed(batch(start..<end)))
        }
    }

    /// Calls one after the other, as evenly spread over the days as sessions allow.
    private func batch(_ numbers: Range<Int>) throws -> Batch {
        var builder = LogBatchBuilder(resource: [], scopeName: "hammurabi.events")
        let sessions = Int64(max(1, calls / Self.callsOfSession))
        for number in numbers {
            let (session, call) = number.quotientAndRemainder(dividingBy: Self.callsOfSession)
            let age = Self.days * 86_400 * (sessions - Int64(session)) / sessions - Int64(call * 30)
            let time = Workload.now.nanoseconds - max(0, age - 86_400 / 2) * Self.second
            builder.append(Self.record(session, call, number, time: UInt64(time)))
        }
        return Batch(try builder.batch(), receivedAt: Workload.now)
    }

    private static func record(_ session: Int, _ call: Int, _ number: Int, time: UInt64) -> LogRecordDraft {
        let models = ["claude-sonnet-4-5-20250929", "claude-opus-4-8", "gpt-5-codex", "gemini-2.5-pro"]
        // One session in three changes its model.
        let model = models[(session + (session % 3 == 0 ? call / 10 : 0)) % models.count]
        let tokens = Int64(1_000 + (number * 7_919) % 60_000)
        var record = LogRecordDraft(time: time, eventName: "token_usage")
        record.append(AttributeKey.sessionID.name, .string("session-\(session)"))
        record.append(AttributeKey.genAIAgentName.name, .string("agent-\(session % 5)"))
        record.append("project.name", .string("project-\(session % 40)"))
        record.append(AttributeKey.genAIResponseModel.name, .string(model))
        record.append("gen_ai.usage.input_tokens", .int(tokens))
        record.append("gen_ai.usage.output_tokens", .int(tokens / 20))
        record.append("gen_ai.usage.cache_read.input_tokens", .int(tokens / 2))
        record.append("hammurabi.event.id", .string("call-\(number)"))
        return record
    }
}
