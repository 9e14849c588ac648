// SPDX-License-Identifier: Apache-2.0

import BasicAuthExtension
import BearerTokenAuthExtension
import Collector
import CollectorKit
import CollectorTesting
import Foundation
import Logging
import OAuth2ClientExtension
import OTLP
import OTLPHTTPExporter
import SendingQueue
import SinkServer
import Synchronization
import Testing
import Usage
import YAML

/// What forwarding exporters show their destination, and that batches wait while there is nothing to show.
struct CredentialsTests {
    private let bench = Bench()

    @Test func `a name and a password are shown, and the password file may change`() async throws {
        let sink = try await SinkServer.start()
        var config = BasicAuthConfig()
        config.clientAuth.username = "collector"
        config.clientAuth.passwordFile = ConfigPath(try bench.write("first\n", to: "password"))
        let shown = try await bench.run(.basicAuth, config, to: sink) {
            try await bench.send()
            #expect(await eventually { sink.requests.count == 1 })
            _ = try bench.write("second", to: "password")
            try await bench.send()
            #expect(await eventually { sink.requests.count == 2 })
        }
        #expect(
            shown == ["collector:first", "collector:second"].map { "Basic \(Data($0.utf8).base64EncodedString())" }
        )
        await sink.stop()
    }

    @Test func `a token rotates, and while its file is missing batches wait`() async throws {
        let sink = try await SinkServer.start()
        var config = BearerTokenAuthConfig()
        config.filename = ConfigPath(bench.path("token"))
        let shown = try await bench.run(.bearerTokenAuth, config, to: sink) {
            try await bench.send()
            #expect(await eventually { bench.trouble?.contains("token: there is no such file; make it") == true })
            #expect(sink.requests.isEmpty)
            _ = try bench.write(" one \n", to: "token")
            #expect(await eventually { sink.requests.count == 1 })
            _ = try bench.write("two", to: "token")
            try await bench.send()
            #expect(await eventually { sink.requests.count == 2 })
        }
        #expect(shown == ["Bearer one", "Bearer two"])
        await sink.stop()
    }

    @Test
    func `a destination that does not accept the credentials gets the batch later, and says nothing of the token`()
        async throws
    {
        let isOpen = Mutex(false)
        let sink = try await SinkServer.start { _ in
            isOpen.withLock { $0 }
                ? SinkServer.Reply(200) : SinkServer.Reply(401, [], Array("no entry for a-secret-token".utf8))
        }
        var config = BearerTokenAuthConfig()
        config.token = "a-secret-token"
        config.header = "X-Token"
        config.scheme = ""
        _ = try await bench.run(.bearerTokenAuth, config, to: sink) {
            try await bench.send()
            #expect(await eventually { bench.trouble?.contains("401") == true })
            #expect(bench.trouble?.contains("a-secret-token") == false)
            isOpen.withLock { $0 = true }
            #expect(await eventually { bench.waiting == 0 })
        }
        #expect(sink.requests.allSatisfy { $0.fields["x-token"] == "a-secret-token" })
        #expect(bench.counters.value(.sent) == 1)
        await sink.stop()
    }

    /// A server that gives out the tokens `token-1`, `token-2` and so on.
    private func tokenServer(
        seconds: String,
        _ accepts: @escaping @Sendable (SinkServer.Request) -> Bool = { _ in true }
    )
        async throws -> SinkServer
    {
        let count = Mutex(0)
        return try await SinkServer.start { request in
            guard accepts(request) else { return SinkServer.Reply(401, [], Array(#"{"error":"invalid_client"}"#.utf8)) }
            let number = count.withLock { count in
                count += 1
                return count
            }
            let body = #"{"access_token":"token-\#(number)","token_type":"Bearer","expires_in":\#(seconds)}"#
            return SinkServer.Reply(200, [("Content-Type", "application/json")], Array(body.utf8))
        }
    }

    private func oauth2(_ server: SinkServer) -> OAuth2ClientConfig {
        var config = OAuth2ClientConfig()
        (config.clientID, config.clientSecret) = ("id", "geheim +&")
        config.tokenURL = server.address + "/token"
        config.scopes = ["a", "b"]
        config.endpointParams = ["audience": ["hub"]]
        return config
    }

    @Test func `a token is obtained once, kept, and replaced before it ends`() async throws {
        let server = try await tokenServer(seconds: "3600")
        let sink = try await SinkServer.start()
        let shown = try await bench.run(.oauth2Client, oauth2(server), to: sink) {
            for number in 1...2 {
                try await bench.send()
                #expect(await eventually { sink.requests.count == number })
            }
            // 5 minutes before its end.
            bench.clock.withLock { $0 += 3_299_000_000_000 }
            try await bench.send()
            #expect(await eventually { sink.requests.count == 3 })
            bench.clock.withLock { $0 += 2_000_000_000 }
            try await bench.send()
            #expect(await eventually { sink.requests.count == 4 })
        }
        #expect(shown == ["Bearer token-1", "Bearer token-1", "Bearer token-1", "Bearer token-2"])
        let asked = try #require(server.requests.first)
        #expect(String(decoding: asked.body, as: UTF8.self) == "grant_type=client_credentials&scope=a%20b&audience=hub")
        // Both parts are encoded as in a form (RFC 6749 §2.3.1).
        #expect(asked.fields["authorization"] == "Basic \(Data("id:geheim%20%2B%26".utf8).base64EncodedString())")
        #expect(server.requests.count == 2)
        await server.stop()
        await sink.stop()
    }

    @Test func `a server that wants the password in the body gets it there`() async throws {
        let server = try await tokenServer(seconds: "\"60\"") { $0.fields["authorization"] == nil }
        let sink = try await SinkServer.start()
        let shown = try await bench.run(.oauth2Client, oauth2(server), to: sink) {
            try await bench.send()
            #expect(await eventually { sink.requests.count == 1 })
        }
        #expect(shown == ["Bearer token-1"])
        let body = String(decoding: server.requests.last?.body ?? [], as: UTF8.self)
        #expect(body.hasSuffix("&client_id=id&client_secret=geheim%20%2B%26"))
        await server.stop()
        await sink.stop()
    }

    @Test func `without a token batches wait, and the old one holds until it ends`() async throws {
        let isDown = Mutex(true)
        let server = try await tokenServer(seconds: "100") { _ in !isDown.withLock { $0 } }
        let sink = try await SinkServer.start()
        let shown = try await bench.run(.oauth2Client, oauth2(server), to: sink) {
            try await bench.send()
            #expect(await eventually { bench.trouble?.contains("answered 401: invalid_client") == true })
            #expect(bench.trouble?.contains("geheim") == false)
            isDown.withLock { $0 = false }
            #expect(await eventually { sink.requests.count == 1 })
            isDown.withLock { $0 = true }
            // More than half of its life is over, and not all of it.
            bench.clock.withLock { $0 += 60_000_000_000 }
            try await bench.send()
            #expect(await eventually { sink.requests.count == 2 })
            bench.clock.withLock { $0 += 60_000_000_000 }
            try await bench.send()
            #expect(await eventually { bench.waiting == 1 && bench.trouble != nil })
            isDown.withLock { $0 = false }
            #expect(await eventually { sink.requests.count == 3 })
        }
        #expect(shown == ["Bearer token-1", "Bearer token-1", "Bearer token-2"])
        await server.stop()
        await sink.stop()
    }

    @Test func `a token that the destination does not take is obtained anew`() async throws {
        let server = try await tokenServer(seconds: "3600")
        let sink = try await SinkServer.start { request in
            SinkServer.Reply(request.fields["authorization"] == "Bearer token-1" ? 401 : 200)
        }
        let shown = try await bench.run(.oauth2Client, oauth2(server), to: sink) {
            try await bench.send()
            #expect(await eventually { sink.requests.count == 2 })
        }
        #expect(shown == ["Bearer token-1", "Bearer token-2"])
        await server.stop()
        await sink.stop()
    }

    @Test(arguments: [
        ("basicauth: {}", "credentials credentials"),
        ("basicauth: { client_auth: { username: \"a:b\", password: c } }", "credentials"),
        ("bearertokenauth: {}", "credentials"), ("bearertokenauth: { token: a, header: \"a b\" }", "header"),
        ("oauth2client: { client_id: a, client_secret: b, token_url: login.example.com }", "endpoint"),
        ("oauth2client: { token_url: \"https://a.example\" }", "credentials credentials"),
        ("basicauth: { htpasswd: { inline: a } }", "credentials credentials unknown-key"),
    ])
    func `what cannot be shown is found before the start`(text: String, codes: String) {
        let type = text.prefix { $0 != ":" }
        #expect(Self.codes(text, authenticator: String(type)).joined(separator: " ") == codes)
    }

    @Test func `an exporter names an extension that runs and shows credentials`() {
        let token = "bearertokenauth: { token: a }"
        #expect(Self.codes(token, authenticator: "bearertokenauth").isEmpty)
        #expect(Self.codes(token, authenticator: "oauth2client") == ["authenticator"])
        #expect(
            Self.codes(token, authenticator: "bearertokenauth", running: "") == ["unused-component", "authenticator"]
        )
    }

    /// The codes of what is wrong with a configuration that has an extension and an exporter that names one.
    private static func codes(_ text: String, authenticator: String, running: String? = nil) -> [String] {
        let id = String(text.prefix { $0 != ":" })
        let source = ConfigSource(
            paths: [],
            builtIn: """
                receivers: { source: }
                extensions: { \(text) }
                exporters: { otlp_http: { endpoint: "https://hub.example.com", auth: { authenticator: \(authenticator) } } }
                service:
                  extensions: [\(running ?? id)]
                  pipelines: { logs: { receivers: [source], exporters: [otlp_http] } }
                """
        )
        let registry = Registry([.source, .basicAuth, .bearerTokenAuth, .oauth2Client, .otlpHTTP()])
        let machine = Environment(variables: [:], readFile: { _ in [] }, fileExists: { _ in false })
        var diagnostics = Diagnostics()
        if let root = source.load(machine, diagnostics: &diagnostics) {
            _ = GraphBuilder.build(root, registry: registry, home: "/home/ada", diagnostics: &diagnostics)
        }
        return diagnostics.items.map(\.code)
    }
}

extension ComponentFactory {
    /// Brings nothing.
    fileprivate static let source = ComponentFactory.receiver(
        "source",
        EmptyConfig.self,
        summary: "brings nothing"
    ) { _, _, _ in Silent() }
}

private struct EmptyConfig: ComponentConfig {
    static let documentation: [String: String] = [:]
}

private struct Silent: Receiver {}

/// An extension, and an exporter that shows its credentials.
private final class Bench: Sendable {
    let folder = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID().uuidString)").path
    let counters = ComponentCounters()
    let clock = Mutex(Int64(1_790_000_000_000_000_000))
    private let shared = SharedParts()
    private let exporter = Mutex<(any Exporter)?>(nil)

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func write(_ text: String, to name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path(name)), options: .atomic)
        return path(name)
    }

    private func settings(_ id: String) throws -> ComponentSettings {
        ComponentSettings(
            id: try #require(ComponentID(id)),
            logger: Logger(label: id) { _ in SwiftLogNoOpLogHandler() },
            counters: counters,
            home: folder,
            now: { [self] in Timestamp(nanoseconds: clock.withLock { $0 }) },
            shared: shared
        )
    }

    /// Runs both; what the exporter showed, by the sink's requests.
    func run(
        _ factory: ComponentFactory,
        _ config: some ComponentConfig,
        to sink: SinkServer,
        _ work: () async throws -> Void
    ) async throws -> [String] {
        var sending = OTLPHTTPConfig()
        sending.endpoint = sink.address
        sending.compression = .none
        sending.retryOnFailure.initialInterval = ConfigDuration(nanoseconds: 30_000_000)
        sending.retryOnFailure.maxInterval = ConfigDuration(nanoseconds: 100_000_000)
        sending.sendingQueue.batch.flushTimeout = ConfigDuration(nanoseconds: 10_000_000)
        var auth = OTLPHTTPConfig.Auth()
        auth.authenticator = factory.type
        sending.auth = auth
        let exporter = try ComponentFactory.otlpHTTP().makeExporter(sending, settings("otlp_http"))
        let credentials = try factory.makeExtension(config, settings(factory.type), with: CollectorParts())
        // Exporters start first.
        try await exporter.start()
        self.exporter.withLock { $0 = exporter }
        try await credentials.start()
        try await work()
        await exporter.shutdown()
        await credentials.shutdown()
        #expect(ComponentID(factory.type).flatMap { shared.clientCredentials(of: $0) } == nil)
        return sink.requests.compactMap { $0.fields["authorization"] }
    }

    func send() async throws {
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}"#
        let batch = Batch(
            try OTLPBatch(signal: .logs, json: Array(json.utf8)),
            receivedAt: Timestamp(nanoseconds: clock.withLock { $0 })
        )
        try await #require(exporter.withLock { $0 }).consume(batch)
    }

    var trouble: String? { exporter.withLock { $0?.healthReporting?.trouble } }
    var waiting: Int { exporter.withLock { $0?.queueing?.queueStatus.batches } ?? 0 }
}
