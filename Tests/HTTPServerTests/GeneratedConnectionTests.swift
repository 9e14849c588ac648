// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

/// Events in any order: what a connection must never do, whatever its client, its handlers and its listener do.
struct GeneratedConnectionTests {
    /// Random numbers that are the same in each run.
    private struct SeededNumbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
            return bits ^ bits >> 31
        }
    }

    /// A client that sends requests one after the other, split at any byte.
    private struct Client {
        private var rest: [HTTPServerRequestPart] = []

        mutating func next(_ random: inout SeededNumbers) -> HTTPServerRequestPart {
            if rest.isEmpty { rest = Self.request(&random) }
            return rest.removeFirst()
        }

        private static func request(_ random: inout SeededNumbers) -> [HTTPServerRequestPart] {
            var fields: HTTPHeaders = [:]
            if Int.random(in: 0..<8, using: &random) == 0 { fields.add(name: "Expect", value: "100-continue") }
            if Int.random(in: 0..<12, using: &random) == 0 { fields.add(name: "Connection", value: "close") }
            if Int.random(in: 0..<12, using: &random) == 0 { fields.add(contentsOf: .foreign) }
            if Int.random(in: 0..<40, using: &random) == 0 { fields.add(name: "Expect", value: "money") }
            let version = Int.random(in: 0..<10, using: &random) == 0 ? HTTPVersion.http1_0 : .http1_1
            let method = [HTTPMethod.GET, .HEAD, .GET].randomElement(using: &random) ?? .GET
            let length = [0, 5, 100, 5_000, 400_000].randomElement(using: &random) ?? 0
            guard length > 0 else { return [.get(fields, method: method, version: version), .end] }
            let isChunked = version == .http1_1 && Bool.random(using: &random)
            let pieces = Int.random(in: 1...4, using: &random)
            let body = (0..<pieces).map {
                HTTPServerRequestPart.bytes(length * ($0 + 1) / pieces - length * $0 / pieces)
            }
            return [.post(isChunked ? nil : length, fields, version: version)] + body + [.end]
        }
    }

    private static func response(_ random: inout SeededNumbers) -> ServerResponse {
        let status = [HTTPResponse.Status.ok, .ok, .noContent, .notModified, .badRequest].randomElement(using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return .pieces(status: status ?? .ok)
        case 1: return .pieces("text/event-stream")
        case 2:
            var response = ServerResponse.text("no", .contentTooLarge)
            response.head.headerFields[.connection] = "close"
            return response
        default: return .text("answer", status ?? .ok)
        }
    }

    /// One event.
    private func step(_ connection: FakeConnection, _ client: inout Client, _ random: inout SeededNumbers) {
        let number = max(1, connection.fates.count - Int.random(in: 0...1, using: &random))
        switch Int.random(in: 0..<40, using: &random) {
        case 0..<12:
            let count = Int.random(in: 0...12, using: &random)
            connection.read((0..<count).map { _ in client.next(&random) })
        case 12..<20: connection.answer(number, Self.response(&random))
        case 20..<24: connection.want(number, Int.random(in: 1...100_000, using: &random))
        case 24..<27: connection.piece(number, Int.random(in: 1...100, using: &random))
        case 27, 28: connection.endPieces(number, isWhole: Int.random(in: 0..<4, using: &random) > 0)
        case 29..<32: connection.wait(.seconds(Int64.random(in: 0...20, using: &random)))
        case 32: connection.event { $0.writabilityChanged(false) }
        case 33..<36: connection.event { $0.writabilityChanged(true) }
        case 36: connection.answersAtOnce = Bool.random(using: &random) ? Self.response(&random) : nil
        case 37 where Int.random(in: 0..<8, using: &random) == 0: connection.event { $0.inputClosed() }
        case 38 where Int.random(in: 0..<8, using: &random) == 0:
            connection.event {
                $0.parsingFailed([.invalidMethod, .headerOverflow].randomElement(using: &random) ?? .unknown)
            }
        case 39 where Int.random(in: 0..<8, using: &random) == 0: connection.event { $0.drain(at: connection.now) }
        default: connection.event { $0.permissionEnded(number) }
        }
    }

    /// Handlers finish their answers, the client sends and reads nothing more, the listener drains: then the connection must end.
    private func finish(_ connection: FakeConnection) {
        connection.event { $0.drain(at: connection.now) }
        for number in connection.fates.keys.sorted() {
            connection.answer(number)
            connection.endPieces(number)
        }
        var isToldOfOutput = false
        for _ in 0..<20 where !connection.isClosed {
            if connection.isOutputClosed, !isToldOfOutput {
                isToldOfOutput = true
                connection.event { $0.outputClosed(at: connection.now) }
            }
            connection.wait(.seconds(1_000))
        }
    }

    @Test(arguments: 0..<8)
    func `whatever happens, each request has one answer at most, in turn, and all memory is given back`(seed: Int)
        throws
    {
        var random = SeededNumbers(state: UInt64(seed))
        var (answered, refused, handled) = (0, 0, 0)
        for round in 0..<100 {
            let memory = round % 3 == 0 ? 300_000 : 1 << 30
            let connection = try FakeConnection(memory: memory)
            var client = Client()
            connection.open()
            var steps: [String] = []
            for _ in 0..<60 where !connection.isClosed {
                step(connection, &client, &random)
                steps += connection.taken()
            }
            finish(connection)
            steps += connection.taken()
            #expect(connection.isClosed, "seed \(seed), round \(round): \(steps.suffix(20))")
            connection.end()
            #expect(connection.breaches == [], "seed \(seed), round \(round): \(steps.suffix(40))")
            #expect(connection.memory.usedBytes == 0, "seed \(seed), round \(round)")
            #expect(connection.fates.values.allSatisfy { $0.isReleased && $0.answers <= 1 })
            answered += connection.fates.values.count { $0.answers == 1 }
            handled += connection.fates.values.count { $0.isHandled }
            refused += steps.count { $0.hasPrefix("refuse") }
        }
        // The sequences must reach the states that they are to test.
        #expect(answered > 100 && handled > 100 && refused > 3, "\(answered) \(handled) \(refused)")
    }
}
