// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing
import Usage

/// Whole recorded runs, through the processor and the ledger, compared with the answers of the vendor's API.
struct ScenarioTests {
    /// A run and its true sums: calls, uncached input, cache read, cache written, output, reasoning as far as it is exported.
    struct Scenario: Sendable, CustomTestStringConvertible {
        var name: String
        var calls: Int64
        var counts: [Int64]

        init(_ name: String, _ calls: Int64, _ counts: Int64...) {
            (self.name, self.calls, self.counts) = (name, calls, counts)
        }

        var testDescription: String { name }
    }

    static let scenarios = [
        Scenario("cc-2.1.330-errors-json", 3, 150, 10_193, 3_963, 1_865, 0),
        Scenario("cc-2.1.330-subagent-protobuf", 8, 309, 67_478, 20_932, 4_038, 0),
        Scenario("cc-2.1.330-retry-json", 2, 66, 18_970, 513, 855, 0),
        Scenario("cc-2.1.71-tools-json", 7, 309, 59_897, 19_074, 2_847, 0),
        Scenario("codex-0.163.0-logs-binary", 8, 400, 80_007, 21_008, 4_384, 158),
        Scenario("codex-0.163.0-tools-json", 6, 22_173, 127_421, 0, 2_499, 76),
        Scenario("py-openinference-openai", 6, 7_029, 21_364, 0, 1_426, 28),
        Scenario("py-pydantic-ai", 6, 8_488, 54_652, 8_468, 3_450, 51),
        Scenario("py-traceloop-anthropic", 4, 617, 21_524, 4_120, 1_280, 0),
        Scenario("py-traceloop-openai-json-gzip", 6, 10_169, 27_969, 0, 1_979, 40),
        // This instrumentation reports neither cached tokens nor reasoning.
        Scenario("py-openai-v2", 4, 11_554, 0, 0, 1_283, 0),
    ]

    @Test(arguments: scenarios)
    func `a run is counted once, in any order, twice over`(scenario: Scenario) throws {
        let batches = try Recording.all(of: scenario.name).map { try processed($0.batch()).observations }
        #expect(!batches.isEmpty)
        #expect(try Self.sums(batches) == [scenario.calls] + scenario.counts)
        #expect(try Self.sums([batches.flatMap(\.self)]) == [scenario.calls] + scenario.counts)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<10 {
            #expect(try Self.sums((batches + batches).shuffled(using: &random)) == [scenario.calls] + scenario.counts)
        }
    }

    private static func sums(_ batches: [[Observation]]) throws -> [Int64] {
        var ledger = MemoryLedger()
        for observations in batches { try ledger.absorb(observations) }
        let calls = ledger.calls.filter(\.isCounted)
        let sum = calls.reduce(TokenCounts()) { $0.adding($1.counts) }
        return [Int64(calls.count), sum.uncachedInput, sum.cacheRead, sum.cacheWrite, sum.output, sum.reasoning]
    }

    @Test func `the calls of a sub-agent belong to the session that started it`() throws {
        let batches = try Recording.all(of: "cc-2.1.330-subagent-protobuf").map {
            try processed($0.batch()).observations
        }
        var ledger = MemoryLedger()
        for observations in batches { try ledger.absorb(observations) }
        #expect(Set(ledger.calls.map(\.session)) == ["2d2a10e6-7080-4e09-8ab1-382308737103"])
        #expect(ledger.calls.allSatisfy { $0.sources == [.otlpLog, .otlpSpan] && $0.knowsCacheLifetimes })
    }
}
