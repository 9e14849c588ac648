// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import RawHTTP
import Testing

@testable import HTTPServer

/// Connections without a first request.
struct FirstWordsTests {
    @Test func `a new connection without a request is closed sooner than one between requests`()
        async throws
    {
        var limits = ListenerLimits()
        limits.headTime = .milliseconds(20)
        let bench = try await ListenerBench([echo], limits)
        #expect(limits.idleTime == .seconds(120))
        #expect(try await bench.connect().rest().isEmpty)
    }

    @Test func `after the first request the next one may come later than a first head`() async throws {
        var limits = ListenerLimits()
        limits.headTime = .seconds(1)
        let bench = try await ListenerBench([echo], limits)
        let connection = try await bench.connect()
        let request = "POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok"
        try connection.send(request)
        #expect(try await connection.answer().body == "ok")
        // A connection without a request is closed after the limit for a first head, which then has passed here, too.
        #expect(try await bench.connect().rest().isEmpty)
        try connection.send(request)
        #expect(try await connection.answer().body == "ok")
    }
}
