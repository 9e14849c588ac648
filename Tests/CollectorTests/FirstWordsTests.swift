// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes
import NIOCore
import Testing

@testable import Collector
@testable import HTTPServer

/// Connections that are opened and say nothing, or take their time to agree on a key.
struct FirstWordsTests {
    private static let folder = Package.root.appending(path: "Tests/CollectorTests/Fixtures/tls").path

    @Test func `whoever opens a connection and says nothing is not waited for as long as for another request`()
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

    /// Nothing, half a record of TLS, and a record that never ends, byte by byte.
    @Test(arguments: ["", "\u{16}\u{3}\u{1}", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{7c}\u{3}\u{3}"])
    func `an encryption that does not come about is given up`(beginning: String) async throws {
        let hub = try await OTLPHub(
            "tls: { cert_file: \(Self.folder)/server.pem, key_file: \(Self.folder)/server.key }, read_header_timeout: 50ms"
        )
        let connection = try await hub.collector.connect()
        try await connection.send(Array(beginning.utf8))
        // The client is cut off while it goes on sending.
        let isCutOff = await eventually {
            (try? connection.send("a")) == nil
        }
        #expect(isCutOff)
        try await hub.end()
    }
}
