// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import NIOCore
import RawHTTP
import Synchronization
import Testing

@testable import HTTPServer

/// Clients that send requests and do not read the answers.
struct UnreadAnswersTests {
    private static let size = 400_000
    private static let request = "GET /large HTTP/1.1\nHost: localhost\n\n"

    private let asked = Counter()

    private var large: Route {
        Route(.get, "/large") { [asked] _ in
            asked.raise()
            return ServerResponse(.ok, body: .bytes([UInt8](repeating: 65, count: Self.size)))
        }
    }

    /// The request is small and its answer large, so what one read brings would fill the memory.
    @Test func `many requests at once are answered only as fast as the answers are read, and all of them in the end`()
        async throws
    {
        let bench = try await ListenerBench([large])
        let connection = try await bench.connect()
        let count = 100
        try connection.send(String(repeating: Self.request, count: count))
        // The socket buffers hold far less than all answers.
        #expect(await asked.settled() < count / 2)
        for _ in 0..<count { #expect(try await connection.answer().bytes.count == Self.size) }
        #expect(asked.value == count)
        try connection.send(Self.request)
        #expect(try await connection.answer().status == 200)
    }

    @Test func `a client that has sent everything and reads slowly gets everything`() async throws {
        let bench = try await ListenerBench([large])
        let connection = try await bench.connect()
        try connection.send(String(repeating: Self.request, count: 100))
        connection.endSending()
        #expect(await asked.settled() < 100)
        for _ in 0..<100 { #expect(try await connection.answer().bytes.count == Self.size) }
        #expect(try await connection.rest().isEmpty)
    }

    @Test func `a client that never reads is cut off, whatever it still sends`() async throws {
        var limits = ListenerLimits()
        limits.answerTime = .milliseconds(100)
        let bench = try await ListenerBench([large], limits)
        let connection = try await bench.connect()
        try connection.send(String(repeating: Self.request, count: 100))
        let isCutOff = await eventually { (try? connection.send(Self.request)) == nil }
        #expect(isCutOff)
        #expect(asked.value < 100)
    }

    @Test func `of far too many requests at once the first are answered, and the connection ends`() async throws {
        let small = Route(.get, "/small") { [asked] _ in
            asked.raise()
            return ServerResponse(.ok)
        }
        let bench = try await ListenerBench([small])
        let connection = try await bench.connect()
        try connection.send(String(repeating: "GET /small HTTP/1.1\nHost: localhost\n\n", count: 300))
        let answers = try await connection.rest().split(separator: "HTTP/1.1 200 OK").count
        #expect((100..<300).contains(answers))
        #expect(asked.value == answers)
    }
}

/// A thread-safe counter.
private final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    func raise() { count.wrappingAdd(1, ordering: .relaxed) }

    /// The value once it is above zero and has been the same in 50 checks in a row.
    func settled() async -> Int {
        var (last, checks) = (0, 0)
        _ = await eventually {
            checks = value == last ? checks + 1 : 0
            last = value
            return last > 0 && checks >= 50
        }
        return last
    }
}
