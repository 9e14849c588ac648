// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import OTLPHTTPExporter
import SendingQueue
import SinkServer
import Testing

/// The certificates of the destination and of this collector.
struct TLSTests {
    private static func file(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/tls/\(name)").path
    }

    private static func sink(_ name: String = "server", clientAuthority: String? = nil) async throws -> SinkServer {
        let files = SinkServer.TLSFiles(
            certificate: file("\(name).pem"),
            key: file("\(name).key"),
            clientAuthority: clientAuthority.map(file)
        )
        return try await SinkServer.start(tls: files)
    }

    /// Sends a batch to a sink with these settings: returns whether it was accepted, or what is wrong.
    private static func attempt(_ sink: SinkServer, _ change: (inout OTLPHTTPConfig.TLS) -> Void) async throws
        -> String?
    {
        let bench = Bench("https://127.0.0.1:\(sink.port)") { change(&$0.tls) }
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await waitUntil { bench.counters.value(.sent) == 1 || bench.trouble != nil }
        let trouble = bench.trouble
        await bench.stop()
        return trouble
    }

    @Test func `only a destination with a trusted certificate receives anything`() async throws {
        let sink = try await Self.sink()
        #expect(try await Self.attempt(sink) { $0.caFile = ConfigPath(Self.file("ca.pem")) } == nil)
        #expect(sink.requests.count == 1)
        let untrusted = try await Self.attempt(sink) { _ in }
        #expect(untrusted?.hasSuffix("its certificate is not signed by a trusted authority; see tls.ca_file") == true)
        #expect(try await Self.attempt(sink) { $0.caFile = ConfigPath(Self.file("stranger.pem")) } != nil)
        #expect(sink.requests.count == 1)
        #expect(try await Self.attempt(sink) { $0.insecureSkipVerify = true } == nil)
        #expect(sink.requests.count == 2)
        await sink.stop()
    }

    @Test
    func `the name of a certificate can be another than that of the address, but must be the one that is written`()
        async throws
    {
        let sink = try await Self.sink("named")
        let ca = ConfigPath(Self.file("ca.pem"))
        #expect(try await Self.attempt(sink) { $0.caFile = ca } != nil)
        for (name, isTaken) in [("other.test", false), ("hub.test", true)] {
            let trouble = try await Self.attempt(sink) {
                $0.caFile = ca
                $0.serverNameOverride = name
            }
            #expect((trouble == nil) == isTaken, "\(name)")
        }
        #expect(sink.requests.map { $0.fields["host"] } == ["127.0.0.1:\(sink.port)"])
        await sink.stop()
    }

    @Test
    func `expired, not yet valid and wrongly named certificates are distinguished, and nothing is lost`()
        async throws
    {
        let cases = [
            ("expired", "its certificate has expired on 2021-01-01; renew it there"),
            (
                "early",
                "its certificate is not valid before 2120-01-01; check the clocks of both machines, or replace it there"
            ),
            ("named", "its certificate is for another name; see tls.server_name_override"),
        ]
        for (name, expected) in cases {
            let sink = try await Self.sink(name)
            let bench = Bench("https://127.0.0.1:\(sink.port)") {
                $0.tls.caFile = ConfigPath(Self.file(name == "named" ? "ca.pem" : "dated-ca.pem"))
            }
            try await bench.start()
            try await bench.consume(try logs("a"))
            try await waitUntil { bench.trouble != nil }
            #expect(bench.trouble?.contains("127.0.0.1:\(sink.port)") == true)
            #expect(bench.trouble?.hasSuffix(expected) == true, "\(bench.trouble ?? "")")
            // The certificate may be renewed at any time, so waiting batches are kept and sent again (collector-model: a failed connection).
            #expect(bench.counters.value(.dropped) == 0 && bench.counters.value(.sent) == 0)
            #expect(bench.status?.batches == 1)
            #expect(try await bench.deadLetters() == [])
            await sink.stop()
        }
    }

    @Test func `a destination that requires a client certificate receives the configured one`() async throws {
        let sink = try await Self.sink(clientAuthority: "ca.pem")
        #expect(try await Self.attempt(sink) { $0.caFile = ConfigPath(Self.file("ca.pem")) } != nil)
        let shown = try await Self.attempt(sink) {
            $0.caFile = ConfigPath(Self.file("ca.pem"))
            $0.certFile = ConfigPath(Self.file("client.pem"))
            $0.keyFile = ConfigPath(Self.file("client.key"))
        }
        #expect(shown == nil)
        #expect(sink.requests.count == 1)
        await sink.stop()
    }

    @Test func `a file that cannot be read prevents the start and is named`() async throws {
        let bench = Bench("https://127.0.0.1:1") { $0.tls.caFile = "/nowhere/ca.pem" }
        let error = await #expect(throws: StartError.self) { try await bench.start() }
        #expect(error?.reason == .configuration)
        #expect(error?.description.contains("otlp_http/test") == true)
    }
}
