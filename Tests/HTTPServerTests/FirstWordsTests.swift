// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import RawHTTP
import Testing

@testable import HTTPServer

/// Connections that are opened and say nothing.
struct FirstWordsTests {
    @Test func `a new connection that says nothing is not waited for as long as for another request`()
        async throws
    {
        var limits = ListenerLimits()
        limits.headTime = .milliseconds(20)
        let bench = try await ListenerBench([echo], limits)
        #expect(limits.idleTime == .seconds(120))
        #expect(try await bench.connect().rest().isEmpty)
    }

    @Test func `after the first request the next one may take its time`() async throws {
        var limits = ListenerLimits()
        limits.headTime = .seconds(1)
        let bench = try await ListenerBench([echo], limits)
        let connection = try await bench.connect()
        let request = "POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok"
        try connection.send(request)
        #expect(try await connection.answer().body == "ok")
        try await Task.sleep(for: .milliseconds(1_200))
        try connection.send(request)
        #expect(try await connection.answer().body == "ok")
    }
}
