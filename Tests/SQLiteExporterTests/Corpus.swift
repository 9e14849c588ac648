// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing
import Usage

/// Random telemetry: calls seen by one to three witnesses, some alike, some told again with larger counts, some under roll-ups.
struct Corpus {
    let observations: [Observation]
    let records: [(name: String, session: String, time: Timestamp)]

    init(_ random: inout SeededGenerator, calls: Int = 60) {
        var observations: [Observation] = []
        for call in 0..<calls { observations += Self.sightings(of: UInt64(call), &random) }
        self.observations = observations
        records = (0..<30).map { number in
            let session = ["s0", "s1", "s2", "only-records", ""].randomElement(using: &random) ?? ""
            return ("event-\(number)", session, morning + Double(Int.random(in: -7_200..<7_200, using: &random)))
        }
    }

    private static func sightings(of call: UInt64, _ random: inout SeededGenerator) -> [Observation] {
        // Many in a few minutes, to be alike; some around midnights and borders of quarters of an hour.
        let moment =
            Bool.random(using: &random)
            ? Int.random(in: 0..<240, using: &random) : Int.random(in: -90_000..<90_000, using: &random)
        let hasID = Bool.random(using: &random)
        var found: [Observation] = []
        for source in [Observation.Source.otlpLog, .otlpSpan, .transcript]
        where Int.random(in: 0..<3, using: &random) > 0 {
            var sighting = Observation(call * 10 + UInt64(source.rawValue), source: source)
            sighting.time = morning + (Double(moment) + Double(Int.random(in: 0..<4_000, using: &random)) / 1_000)
            sighting.weakKey = 500 + call % 5
            sighting.counts = TokenCounts(uncachedInput: Int64(call % 5), cacheWrite5m: 30, output: Int64(call % 3))
            describe(&sighting, &random)
            if hasID, Int.random(in: 0..<4, using: &random) > 0 { sighting.keys.request = 1_000 + call / 2 }
            if hasID, source != .otlpLog { sighting.keys.response = 2_000 + call }
            if source == .otlpSpan {
                sighting.trace.span = 3_000 + call
                if call % 5 == 0 { sighting.trace.ancestors.insert(3_000 + call - 1) }
            }
            found.append(sighting)
            if Int.random(in: 0..<4, using: &random) == 0 { found.append(again(sighting, &random)) }
        }
        return found
    }

    private static func describe(_ sighting: inout Observation, _ random: inout SeededGenerator) {
        func some(_ names: [String?]) -> String? { names.randomElement(using: &random) ?? nil }
        sighting.session = some(["s0", "s1", "s2", "trace-1", "trace-2", nil])
        sighting.sessionIsTrace = sighting.session?.hasPrefix("trace") == true
        sighting.agent = some(["claude-code", "codex", nil])
        sighting.user = some(["ann", "bob", nil])
        sighting.project = some(["p", "q", nil])
        sighting.machine = some(["box", nil])
        sighting.model = some(["m", "m", "unpriced", nil])
        sighting.provider = some(["openai", nil])
        sighting.duration = Bool.random(using: &random) ? Int64.random(in: 0..<9_000_000_000, using: &random) : nil
        if sighting.source == .transcript, Bool.random(using: &random) {
            (sighting.counts.cacheWrite5m, sighting.counts.cacheWrite1h) = (10, 20)
            sighting.knowsCacheLifetimes = true
        }
    }

    /// The same sighting as somebody might deliver it later: with more output, another end, another id.
    private static func again(_ sighting: Observation, _ random: inout SeededGenerator) -> Observation {
        var copy = sighting
        copy.counts.output += Int64.random(in: 0..<3, using: &random)
        if !sighting.keys.isEmpty || sighting.trace.span != 0 {
            copy.time = sighting.time + Double(Int.random(in: -40..<40, using: &random))
            copy.duration = Bool.random(using: &random) ? Int64.random(in: 0..<9_000_000_000, using: &random) : nil
        }
        if sighting.keys.request != 0, Bool.random(using: &random) {
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

/// Random numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
