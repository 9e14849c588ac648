// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing

@testable import OTLP

/// Row 85: any input gives an error or a usable batch, never a crash.
@Suite struct RobustnessTests {
    /// Calls every function of a batch and ignores the results.
    private func exercise(_ batch: OTLPBatch) {
        var batch = batch
        for index in batch.records.indices {
            for entry in batch.attributes(of: .record(index)) {
                _ = batch.text(of: entry.value)
                _ = batch.number(of: entry.value)
            }
            _ = batch.distribution(record: index)
            _ = batch.inheritedAttribute(.serviceName, record: index)
            if index % 3 == 0 { batch.overlay.drop(record: index) }
            if index % 3 == 1 { batch.set("model", to: "x", record: index) }
        }
        for index in batch.resources.indices { batch.overlay.appendResource("a", "b", resource: index) }
        let encoded = batch.encoded()
        #expect((try? OTLPBatch(signal: batch.signal, protobuf: encoded))?.recordCount == batch.recordCount)
        #expect((try? OTLPBatch(signal: batch.signal, json: batch.json()))?.records.count == batch.recordCount)
    }

    @Test(arguments: Fixture.all)
    func `a body cut at any byte gives an error or a batch`(_ fixture: Fixture) throws {
        let bytes = try fixture.bytes()
        var accepted = 0
        // Every byte, except in the longer JSON bodies, where that would take a minute.
        let step = fixture.isJSON && bytes.count > 2048 ? 7 : 1
        for length in stride(from: 0, to: bytes.count, by: step) {
            let cut = Array(bytes[..<length])
            let batch =
                try? fixture.isJSON
                ? OTLPBatch(signal: fixture.signal, json: cut) : OTLPBatch(signal: fixture.signal, protobuf: cut)
            guard let batch else { continue }
            accepted += 1
            exercise(batch)
        }
        // Only the empty protobuf body and cuts between two resources are whole requests.
        #expect(accepted <= (fixture.isJSON ? 1 : 3))
    }

    @Test(arguments: Fixture.all)
    func `flipped bytes give an error or a batch`(_ fixture: Fixture) throws {
        let bytes = try fixture.bytes()
        var random = SeededGenerator(seed: 42)
        var accepted = 0
        // About 20,000 over all fixtures.
        let rounds = fixture.isJSON ? 500 : 1800
        for _ in 0..<rounds {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                changed[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let batch =
                try? fixture.isJSON
                ? OTLPBatch(signal: fixture.signal, json: changed)
                : OTLPBatch(signal: fixture.signal, protobuf: changed)
            guard let batch else { continue }
            accepted += 1
            exercise(batch)
        }
        #expect(accepted > 0 && accepted < rounds)
    }

    @Test(arguments: Fixture.all)
    func `a body read as another signal gives an error or a batch`(_ fixture: Fixture) throws {
        for signal in Signal.allCases {
            let bytes = try fixture.bytes()
            if let batch = try? OTLPBatch(signal: signal, protobuf: bytes) { exercise(batch) }
            if let batch = try? OTLPBatch(signal: signal, json: bytes) { exercise(batch) }
        }
    }

    @Test func `random bytes give an error or a batch`() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<64, using: &random)).map { _ in UInt8.random(in: 0...40, using: &random)
            }
            for signal in Signal.allCases {
                if let batch = try? OTLPBatch(signal: signal, protobuf: bytes) { exercise(batch) }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `repeated keys cannot make transcoding slow`() {
        let attributes = String(repeating: #"{"key":"a"},"#, count: 20_000)
        let repeats = String(repeating: #""events":[{}],"#, count: 20_000)
        let body =
            #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[\#(attributes){}],\#(repeats)"name":"x"}]}]}]}"#
        let error = #expect(throws: OTLPError.self) { try batch(.traces, body) }
        #expect(error?.reason == "too many keys are repeated")
    }

    @Test(.timeLimit(.minutes(1)))
    func `parts that are out of order and nested cannot make writing slow`() throws {
        var body: [UInt8] = []
        for _ in 0..<30 {
            var writer = ProtobufWriter()
            writer.bytes(1, Array("k".utf8))
            writer.message(2) { $0.message(6) { $0.message(1) { $0.append(body) } } }
            writer.bytes(1, Array("l".utf8))
            body = writer.finish()
        }
        let batch = try OTLPBatch(signal: .logs, protobuf: request { $0.bytes(6, body) })
        #expect(text(batch.json()).contains(#""key":"l""#))
        #expect(!text(batch.json()).contains(#""key":"k""#))
    }
}
