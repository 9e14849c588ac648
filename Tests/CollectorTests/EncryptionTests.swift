// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import NIOCore
import NIOPosix
import NIOSSL
import OTLP
import RawHTTP
import Testing

@testable import Collector

/// HTTPS on listeners.
struct EncryptionTests {
    private static let folder = Package.root.appending(path: "Tests/CollectorTests/Fixtures/tls").path
    private static let files = "cert_file: \(folder)/server.pem, key_file: \(folder)/server.key"

    @Test(arguments: ["min_version: 1.2", "min_version: \"1.3\"", "max_version: 1.2"])
    func `a listener with a certificate speaks HTTPS`(version: String) async throws {
        let hub = try await OTLPHub("tls: { \(Self.files), \(version) }")
        #expect(hub.collector.addresses.allSatisfy { $0.hasPrefix("https://") })
        let answer = try await ask(hub, body: try OTLPEncoding.json.twoRecords(.logs))
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
        #expect(hub.sink.recordCount == 2)
        try await hub.end()
    }

    @Test func `a large body comes through whole`() async throws {
        let hub = try await OTLPHub("tls: { \(Self.files) }")
        let body = try OTLPEncoding.json.twoRecords(.logs) + [UInt8](repeating: 32, count: 3_000_000)
        #expect(try await ask(hub, body: body).hasPrefix("HTTP/1.1 200 OK\r\n"))
        let refused = try await ask(hub, body: Array("no JSON".utf8) + [UInt8](repeating: 32, count: 100_000))
        #expect(refused.hasPrefix("HTTP/1.1 400 "))
        try await hub.end()
    }

    @Test func `a client must show a certificate where one is wanted`() async throws {
        let hub = try await OTLPHub("tls: { \(Self.files), client_ca_file: \(Self.folder)/ca.pem }")
        let body = try OTLPEncoding.json.twoRecords(.logs)
        #expect(try await ask(hub, body: body, certificate: "client").hasPrefix("HTTP/1.1 200 OK\r\n"))
        let without = try? await ask(hub, body: body)
        #expect(without?.hasPrefix("HTTP/1.1") != true)
        #expect(hub.sink.recordCount == 2)
        try await hub.end()
    }

    @Test func `a client without TLS gets no answer and disturbs no other client`() async throws {
        let hub = try await OTLPHub("tls: { \(Self.files) }")
        let plain = try await hub.collector.connect()
        try plain.send("GET / HTTP/1.1\nHost: localhost\n\n")
        #expect(try await !plain.rest().contains("HTTP/1.1 200"))
        #expect(hub.collector.status.intakeProblems.map(\.code) == [.notEncrypted])
        #expect(try await ask(hub, body: try OTLPEncoding.json.twoRecords(.logs)).hasPrefix("HTTP/1.1 200 OK\r\n"))
        try await hub.end()
    }

    @Test(arguments: [
        (
            "cert_file: /nowhere/a.pem, key_file: /nowhere/b.pem",
            "the certificate /nowhere/a.pem cannot be used: there is no such file"
        ),
        (
            "cert_file: FOLDER/server.key, key_file: FOLDER/server.key",
            "the certificate FOLDER/server.key cannot be used: "
        ),
        ("cert_file: FOLDER/server.pem, key_file: FOLDER/ca.pem", "the private key FOLDER/ca.pem cannot be used: "),
        (
            "cert_file: FOLDER/server.pem, key_file: FOLDER/client.key",
            "the certificate FOLDER/server.pem and the key FOLDER/client.key cannot be used together"
        ),
        (
            "cert_file: FOLDER/server.pem, key_file: FOLDER/server.key, client_ca_file: FOLDER",
            "the authorities of clients FOLDER cannot be used: it is a folder"
        ),
    ])
    func `files that cannot be used are named`(tls: String, reason: String) async throws {
        func filled(_ text: String) -> String { text.replacing("FOLDER", with: Self.folder) }
        let error = await #expect(throws: StartError.self) { try await OTLPHub("tls: { \(filled(tls)) }") }
        #expect(error?.description.hasPrefix(filled(reason)) == true, "\(error?.description ?? "")")
    }

    /// Nothing, half a TLS record, and a record that never ends, byte by byte.
    @Test(arguments: ["", "\u{16}\u{3}\u{1}", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{7c}\u{3}\u{3}"])
    func `an encryption that does not come about is given up`(beginning: String) async throws {
        let hub = try await OTLPHub(
            "tls: { \(Self.files) }, read_header_timeout: 50ms"
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

    @Test func `components on one endpoint agree on TLS`() {
        let config = """
            receivers: { otlp: { protocols: { http: { tls: &tls { cert_file: a, key_file: b } } } } }
            exporters: { sqlite: }
            extensions: { hub: { HUB } }
            service: { extensions: [hub], pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
            """
        #expect(LoadedConfig(config.replacing("HUB", with: "tls: *tls")).codes.isEmpty)
        #expect(LoadedConfig(config.replacing("HUB", with: "")).codes == ["tls-conflict"])
        #expect(LoadedConfig(config.replacing("HUB", with: "endpoint: 127.0.0.1:9000")).codes.isEmpty)
    }

    // MARK: - Client

    /// Posts logs and returns everything until the connection ends.
    private func ask(_ hub: OTLPHub, body: [UInt8], certificate: String? = nil) async throws -> String {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(Self.folder + "/ca.pem")
        if let certificate {
            let path = "\(Self.folder)/\(certificate)"
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(path + ".pem").map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: path + ".key", format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration)
        let head =
            "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: \(body.count)\r\n\r\n"
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: Int(hub.collector.port())) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(context: context, serverHostname: "localhost")
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(bytes: Array(head.utf8) + body))
            var answer = ByteBuffer()
            do {
                for try await part in inbound { answer.writeImmutableBuffer(part) }
            } catch {
                // How an answered connection ends does not matter.
                if answer.readableBytes == 0 { throw error }
            }
            return String(buffer: answer)
        }
    }
}
