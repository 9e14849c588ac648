// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import StoreFixtures
import Testing
import Usage

/// Random telemetry: calls seen by one to three observations, some alike, some told again with larger counts, some under roll-ups.
struct Corpus {
    let observations: [Observation]
    let records: [(name: String, session: String, time: Timestamp)]

    init(_ random: inout SeededGenerator, calls: Int = 60) {
        var observations: [Observation] = []
        for call in 0..<calls { observations += Self.updates(of: UInt64(call), &random) }
        self.observations = observations
        records = (0..<30).map { number in
            let session = ["s0", "s1", "s2", "only-records", ""].randomElement(using: &random) ?? ""
            return ("event-\(number)", session, morning + Double(Int.random(in: -7_200..<7_200, using: &random)))
        }
    }

    private static func updates(of call: UInt64, _ random: inout SeededGenerator) -> [Observation] {
        // Many in a few minutes, to be alike; some around midnights and borders of quarters of an hour.
        let moment =
            Bool.random(using: &random)
            ? Int.random(in: 0..<240, using: &random) : Int.random(in: -90_000..<90_000, using: &random)
        let hasID = Bool.random(using: &random)
        var found: [Observation] = []
        for source in [Observation.Source.otlpLog, .otlpSpan, .transcript]
        where Int.random(in: 0..<3, using: &random) > 0 {
            var update = Observation(call * 10 + UInt64(source.rawValue), source: source)
            update.time = morning + (Double(moment) + Double(Int.random(in: 0..<4_000, using: &random)) / 1_000)
            update.blockingKey = 500 + call % 5
            update.counts = TokenCounts(uncachedInput: Int64(call % 5), cacheWrite5m: 30, output: Int64(call % 3))
            describe(&update, &random)
            if hasID, Int.random(in: 0..<4, using: &random) > 0 { update.keys.request = 1_000 + call / 2 }
            if hasID, source != .otlpLog { update.keys.response = 2_000 + call }
            if source == .otlpSpan {
                update.trace.span = 3_000 + call
                if call % 5 == 0 { update.trace.ancestors.insert(3_000 + call - 1) }
            }
            found.append(update)
            if Int.random(in: 0..<4, using: &random) == 0 { found.append(again(update, &random)) }
        }
        return found
    }

    private static func describe(_ update: inout Observation, _ random: inout SeededGenerator) {
        func some(_ names: [String?]) -> String? { names.randomElement(using: &random) ?? nil }
        update.session = some(["s0", "s1", "s2", "trace-1", "trace-2", nil])
        update.sessionIsTrace = update.session?.hasPrefix("trace") == true
        update.agent = some(["claude-code", "codex", nil])
        update.user = some(["ann", "bob", nil])
        update.project = some(["p", "q", nil])
        update.machine = some(["box", nil])
        update.model = some(["m", "m", "unpriced", nil])
        update.provider = some(["openai", nil])
        update.duration = Bool.random(using: &random) ? Int64.random(in: 0..<9_000_000_000, using: &random) : nil
        if update.source == .transcript, Bool.random(using: &random) {
            (update.counts.cacheWrite5m, update.counts.cacheWrite1h) = (10, 20)
            update.knowsCacheLifetimes = true
        }
    }

    /// The same update as somebody might deliver it later: with more output, another end, another id.
    private static func again(_ update: Observation, _ random: inout SeededGenerator) -> Observation {
        var copy = update
        copy.counts.output += Int64.random(in: 0..<3, using: &random)
        if !update.keys.isEmpty || update.trace.span != 0 {
            copy.time = update.time + Double(Int.random(in: -40..<40, using: &random))
            copy.duration = Bool.random(using: &random) ? Int64.random(in: 0..<9_000_000_000, using: &random) : nil
        }
        if update.keys.request != 0, Bool.random(using: &random) {
            copy.keys.response = 2_000 + UInt64.random(in: 0..<60, using: &random)
        }
        return copy
    }

    /// The whole, shuffled, cut into pieces, some of it twice.
    func batches(_ random: inout SeededGenerator, pricing: Pricing) throws -> [Batch] {
        var observations = (observations + observations.filter { _ in Int.random(in: 0..<3, using: &random) == 0 })
            .shuffled(using: &random)
        var records = (records + records.filter { _ in Bool.random(using: &random) }).shuffled(using: &random)
        var batches: [Batch] = []
        while !observations.isEmpty || !records.isEmpty {
            let (some, more) = (Int.random(in: 1...12, using: &random), Int.random(in: 0...5, using: &random))
            batches.append(
                try Batch(Array(observations.prefix(some)), records: Array(records.prefix(more)), pricing: pricing)
            )
            observations.removeFirst(min(some, observations.count))
            records.removeFirst(min(more, records.count))
        }
        return batches
    }
}
