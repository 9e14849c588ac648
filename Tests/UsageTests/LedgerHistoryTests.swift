// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// Ten thousand random histories: deciding and weaker ids, copies, overfull buckets and late arrivals; the same result in any order.
struct LedgerHistoryTests {
    @Test(arguments: UInt64(1)...20)
    func `any order of any history gives the same calls, and no call breaks a rule`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let history = History(&random)
            var whole = MemoryLedger()
            try whole.absorb(history.observations)
            try Self.checkRules(whole)
            let calls = Set(whole.calls)
            let pieces = try Self.absorbed(history.observations, &random)
            guard Set(pieces.calls) == calls else {
                Issue.record("seed \(seed): \(pieces.calls.count) calls in pieces, \(calls.count) at once")
                return
            }
        }
    }

    @Test(arguments: UInt64(1)...8)
    func `a copy of a store goes on as the store does, whatever the order and the repeats of its pages`(seed: UInt64)
        throws
    {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let observations = History(&random).observations.shuffled(using: &random)
            let cut = Int.random(in: 0...observations.count, using: &random)
            var source = MemoryLedger()
            try source.absorb(Array(observations[..<cut]))
            let entries = source.entries.values.sorted { $0.ref < $1.ref }
            var pages = (entries + entries.prefix(3)).shuffled(using: &random)[...]
            var target = MemoryLedger()
            while !pages.isEmpty {
                let page = Array(pages.prefix(Int.random(in: 1...4, using: &random)))
                pages = pages.dropFirst(page.count)
                try target.adopt(Set(page).sorted { $0.ref < $1.ref })
            }
            #expect(Set(target.calls) == Set(source.calls))
            try source.absorb(Array(observations[cut...]))
            try target.absorb(Array(observations[cut...]))
            #expect(Set(target.calls) == Set(source.calls))
            // A page that comes once more, after the calls have changed, is known.
            for entry in entries { try target.adopt([entry]) }
            #expect(Set(target.calls) == Set(source.calls))
        }
    }

    @Test
    func `calls of another store stay as they were although they resemble each other, and late observations find them`()
        throws
    {
        let log = LedgerTests.observation(1, LedgerTests.log, request: 7, weak: 3)
        let span = LedgerTests.observation(2, LedgerTests.span, weak: 3)
        var ledger = MemoryLedger()
        try ledger.adopt([log, span].compactMap { LedgerEntry(observations: [$0]) })
        #expect(ledger.calls.count == 2)
        try ledger.absorb([LedgerTests.observation(3, LedgerTests.transcript, request: 7)])
        // Something new among them has the ledger match them, as in the other store.
        #expect(ledger.calls.map(\.sources) == [[.otlpLog, .otlpSpan, .transcript]])
    }

    @Test(arguments: UInt64(1)...4)
    func `a store that holds nothing is asked nothing beyond the list of questions`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let observations = History(&random).observations
            let half = observations.count / 2
            let deliveries = [Array(observations[..<half]), Array(observations[half...])]
            let questions = LedgerQuestions(deliveries)
            let index = EmptyIndex()
            _ = try Ledger.absorb(deliveries, into: index)
            // Members of cells that observations only touch are looked for when something in the delivery is related.
            #expect(index.links.subtracting(questions.links).allSatisfy { $0.cell != nil })
            #expect(index.cells.isSubset(of: questions.cells))
            #expect(questions.links == Array(Set(questions.links)).sorted())
            #expect(Set(questions.cells).count == questions.cells.count)
            #expect(questions.cells.map(\.link) == questions.cells.map(\.link).sorted())
        }
    }

    /// A store that holds nothing and notes what it is asked.
    private final class EmptyIndex: LedgerIndex {
        var links: Set<LedgerLink> = []
        var cells: Set<MatchBucket> = []

        func mayHold(_ link: LedgerLink) -> Bool {
            links.insert(link)
            return false
        }

        func kinds(in cell: MatchBucket) -> UInt8 {
            cells.insert(cell)
            return 0
        }

        func entries(linkedBy link: LedgerLink, limit: Int) -> [LedgerEntry] { [] }
    }

    /// A ledger that got the observations shuffled, some twice, a few at a time.
    private static func absorbed(
        _ observations: [Observation],
        _ random: inout SeededGenerator
    ) throws -> MemoryLedger {
        var rest = observations + observations.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
        rest.shuffle(using: &random)
        var ledger = MemoryLedger()
        while !rest.isEmpty {
            let count = Int.random(in: 1...6, using: &random)
            try ledger.absorb(Array(rest.prefix(count)))
            rest.removeFirst(min(count, rest.count))
        }
        return ledger
    }

    /// Rules for every call and between calls, whatever the figures are.
    private static func checkRules(_ ledger: MemoryLedger) throws {
        var callOfRequest: [UInt64: Int64] = [:]
        var seen: Set<UInt64> = []
        for (ref, entry) in ledger.entries {
            let requests = Set(entry.observations.filter { !$0.isSideChain }.map(\.keys.request)).subtracting([0])
            #expect(requests.count <= 1, "a call has one request id that decides")
            for observation in entry.observations {
                #expect(seen.insert(observation.id).inserted, "an observation belongs to one call")
                guard observation.keys.request != 0 else { continue }
                let call = callOfRequest[observation.keys.request] ?? ref
                #expect(call == ref, "equal request ids are one call")
                callOfRequest[observation.keys.request] = call
            }
            let answers = Set(entry.observations.filter { $0.keys.request == 0 }.map(\.keys.answer)).subtracting([0])
            #expect(answers.count <= 1, "without a request id the answer decides")
            let responses = Set(entry.observations.filter { $0.keys.request == 0 }.map(\.keys.response)).subtracting([0]
            )
            #expect(responses.count <= 1, "without a request id the response id decides")
        }
    }

    /// A few calls and their sources.
    private struct History {
        var observations: [Observation] = []

        init(_ random: inout SeededGenerator) {
            func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
            let (sharesResponses, sharesLineages, isOverfull) = (below(3) == 0, below(3) == 0, below(2) == 0)
            for call in UInt64(1)...UInt64(3 + below(7)) {
                let time = 1_000 + Double(below(isOverfull ? 40 : 1_500))
                let prompt = Int64(isOverfull ? 1 + below(2) : 1 + below(6))
                let request = below(3) > 0 ? 100 + call : 0
                let response = sharesResponses ? 200 + call % 2 : 200 + call
                let lineage = sharesLineages ? 300 + call % 2 : 300 + call
                for reporter in UInt64(1)...6 where below(3) == 0 {
                    var report = LedgerTests.observation(
                        reporter * 1_000 + call,
                        reporter,
                        at: time + Double(below(4)),
                        weak: reporter < 5 ? 500 + UInt64(prompt) : 0,
                        input: prompt,
                        output: Int64(below(2))
                    )
                    switch reporter {
                    case 1: report.keys.request = request
                    case 2:
                        report.keys.response = response
                        if sharesResponses, below(2) == 0 { report.keys.answer = response * 100 + UInt64(prompt) }
                    case 3: (report.keys.request, report.keys.response) = (request, response)
                    case 4: (report.keys.response, report.keys.lineage) = (below(2) == 0 ? response : 0, lineage)
                    default: Self.makeSpan(&report, call, response: below(2) == 0 ? response : 0, length: below(5))
                    }
                    observations.append(report)
                }
                if below(4) == 0 { observations.append(Self.copy(of: call, response, prompt, time, below(2))) }
            }
        }

        /// A span of a library that may report a call of another library's trace.
        private static func makeSpan(_ report: inout Observation, _ call: UInt64, response: UInt64, length: Int) {
            report.keys.response = response
            report.trace.span = report.id
            if call % 3 == 0 { report.trace.ancestors.insert(report.id - 1) }
            report.trace.kind = call % 2
            report.duration = Int64(length) * 1_000_000_000
            report.intervalKey = 700 + UInt64(report.counts.prompt) * 2 + UInt64(report.counts.output)
        }

        /// A side chain's copy under a request id of its own.
        private static func copy(of call: UInt64, _ response: UInt64, _ prompt: Int64, _ time: Double, _ more: Int)
            -> Observation
        {
            var copy = LedgerTests.observation(
                9_000 + call,
                LedgerTests.transcript,
                at: time + Double(more),
                request: 900 + call,
                response: response,
                input: prompt + Int64(more)
            )
            copy.isSideChain = true
            return copy
        }
    }
}

extension LedgerHistoryTests {
    /// The properties that many observations have in common.
    enum SharedProperty: CaseIterable {
        case response, lineage, answer, interval, blockingKey
    }

    @Test(arguments: SharedProperty.allCases, [250, 256, 257, 300])
    func `too many equal observations give one answer in any order, too`(overfull: SharedProperty, size: Int) throws {
        var random = SeededGenerator(seed: UInt64(size))
        let observations =
            (0..<size).flatMap { Self.members(of: overfull, UInt64($0)) }
            + (UInt64(0)..<3).map { number in
                var bare = LedgerTests.observation(90_000 + number, 9 + number, at: 1_000 + Double(number) * 50)
                (bare.keys.response, bare.keys.lineage) = (overfull == .lineage ? 0 : 7, overfull == .lineage ? 7 : 0)
                return bare
            }
        var whole = MemoryLedger()
        try whole.absorb(observations)
        let calls = Set(whole.calls)
        #expect(calls.count >= size)
        for _ in 0..<3 {
            var rest = observations.shuffled(using: &random)[...]
            var ledger = MemoryLedger()
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...90, using: &random))
                try ledger.absorb(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            #expect(Set(ledger.calls) == calls)
        }
    }

    /// One call of an overfull bucket, reported by one or two sources.
    private static func members(of overfull: SharedProperty, _ number: UInt64) -> [Observation] {
        let time = 1_000 + Double(number) * 0.1
        var call = LedgerTests.observation(number + 1, LedgerTests.transcript, at: time, input: Int64(number % 40))
        switch overfull {
        case .response: (call.keys.request, call.keys.response) = (1_000 + number, 7)
        case .lineage: (call.keys.response, call.keys.lineage) = (1_000 + number, 7)
        case .answer: (call.keys.answer, call.keys.response) = (1_000 + number, 7)
        case .interval, .blockingKey:
            call.keys.request = 1_000 + number
            call.duration = 1_000_000_000
            var other = call
            (other.id, other.emitter, other.keys) = (50_000 + number, 99, CallKeys())
            other.trace.span = other.id
            if overfull == .interval {
                (call.intervalKey, other.intervalKey) = (5, 5)
            } else {
                (call.blockingKey, other.blockingKey) = (5, 5)
            }
            return number % 2 == 0 ? [call, other] : [call]
        }
        return [call]
    }
}

extension MemoryLedger {
    /// Takes in calls of another store.
    fileprivate mutating func adopt(_ entries: [LedgerEntry]) throws {
        let change = try Ledger.absorb([], adopting: entries, into: self)
        for entry in change.retired { remove(entry.ref) }
        for entry in change.entries { insert(entry) }
    }
}
