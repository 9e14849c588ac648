// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HubAPI
import SinkServer
import Synchronization
import Testing

@testable import TelemetryHub

/// Every reason for which a command has no answer, with its message and exit code.
struct CollectorClientTests {
    /// The situation in which a command expects a collector.
    struct Meeting: Sendable, CustomTestStringConvertible {
        var name: String
        var reply: SinkServer.Reply?
        var server = Speech.plain
        var client: CollectorClient.Trust?
        var exitCode: Int32
        var code: String
        var words: String

        enum Speech { case none, plain, tls }

        var testDescription: String { name }

        init(
            _ name: String,
            _ reply: SinkServer.Reply? = nil,
            server: Speech = .plain,
            client: CollectorClient.Trust? = nil,
            _ exitCode: Int32,
            _ code: String,
            _ words: String
        ) {
            (self.name, self.reply, self.server, self.client) = (name, reply, server, client)
            (self.exitCode, self.code, self.words) = (exitCode, code, words)
        }

        static func status(_ status: Int, _ exitCode: Int32, _ code: String, _ words: String) -> Meeting {
            let body = #"{"error":"the reason","status":\#(status)}"#
            return Meeting("status \(status)", SinkServer.Reply(status, [], Array(body.utf8)), exitCode, code, words)
        }
    }

    static let meetings = [
        Meeting("no program", server: .none, 69, "unreachable", "no collector answers at ADDRESS"),
        Meeting(
            "a certificate of an unknown authority",
            server: .tls,
            client: .authorities,
            69,
            "untrusted",
            "the certificate of the collector at ADDRESS is not trusted by this machine"
        ),
        Meeting(
            "TLS where none is expected",
            server: .tls,
            69,
            "no-collector",
            "the program that listens at ADDRESS is no"
        ),
        Meeting(
            "no TLS where it is expected",
            client: .ownListener,
            69,
            "no-collector",
            "listens at ADDRESS is not a collector"
        ),
        Meeting(
            "an end without an answer",
            .reset,
            69,
            "no-collector",
            "the program that listens at ADDRESS is not a collector"
        ),
        Meeting(
            "silence",
            SinkServer.Reply(200, delay: .seconds(60)),
            69,
            "silent",
            "the collector at ADDRESS does not answer in time"
        ),
        .status(400, 64, "usage", "the reason"),
        .status(401, 77, "key-required", "the collector at ADDRESS needs an API key, or does not know this one"),
        .status(403, 77, "scope-required", "the collector at ADDRESS refuses this key: the reason"),
        .status(404, 69, "unsupported", "the collector at ADDRESS does not answer /api/telemetry/summary"),
        .status(422, 78, "configuration", "the new configuration is refused: the reason"),
        .status(429, 69, "unavailable", "the reason"),
        .status(503, 69, "unavailable", "the reason"),
        .status(500, 70, "internal", "the collector answered 500: the reason"),
        .status(302, 70, "internal", "the collector answered 302: the reason"),
        Meeting(
            "no JSON",
            SinkServer.Reply(200, [], Array("<html>".utf8)),
            65,
            "unreadable-answer",
            "not that of a Telemetry Hub"
        ),
        Meeting(
            "another document",
            SinkServer.Reply(200, [], Array("{}".utf8)),
            65,
            "unreadable-answer",
            "not that of a"
        ),
        Meeting("a refusal that is no JSON", SinkServer.Reply(500), 70, "internal", "answered 500: no reason given"),
    ]

    @Test(arguments: meetings)
    func `a missing answer is reported the same way by every command`(meeting: Meeting) async throws {
        let server = meeting.server == .none ? nil : try await Self.server(meeting)
        let kept = server == nil ? SinkServer.KeptPort() : nil
        let endpoint = Endpoint(host: "127.0.0.1", port: server?.port ?? kept?.port ?? 0)
        let client = CollectorClient(endpoint: endpoint, trust: meeting.client, key: "k")
        let failure = #expect(throws: CommandFailure.self) { try client.ask(.summary, seconds: 1) }
        #expect(failure?.exitCode == meeting.exitCode)
        #expect(failure?.code == meeting.code)
        let words = meeting.words.replacing("ADDRESS", with: endpoint.description)
        #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "")")
        #expect(!client.isThere)
        await server?.stop()
    }

    private static func server(_ meeting: Meeting) async throws -> SinkServer {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let folder = tests.appending(path: "OTLPHTTPExporterTests/Fixtures/tls").path
        let tls = SinkServer.TLSFiles(certificate: folder + "/server.pem", key: folder + "/server.key")
        let reply = meeting.reply ?? SinkServer.Reply(200)
        return try await SinkServer.start(tls: meeting.server == .tls ? tls : nil) { _ in reply }
    }

    @Test(arguments: [false, true])
    func `an answer is read as its document, and the key is shown`(hasTLS: Bool) async throws {
        let body = #"{"status":"ok","version":"9","uptimeSeconds":7}"#
        let meeting = Meeting(
            "",
            SinkServer.Reply(200, [], Array(body.utf8)),
            server: hasTLS ? .tls : .plain,
            0,
            "",
            ""
        )
        let server = try await Self.server(meeting)
        let endpoint = Endpoint(host: "127.0.0.1", port: server.port)
        let client = CollectorClient(endpoint: endpoint, trust: hasTLS ? .ownListener : nil, key: "hk_1")
        #expect(try client.ask(.health, [("a", "b c&")], seconds: 5).document.uptimeSeconds == 7)
        #expect(client.isThere)
        let request = try #require(server.requests.first)
        #expect(request.path == "/api/health?a=b%20c%26")
        #expect(request.fields["x-hammurabi-api-key"] == "hk_1")
        await server.stop()
    }

    @Test func `a key that would end its field is not shown`() async throws {
        let server = try await SinkServer.start()
        let endpoint = Endpoint(host: "127.0.0.1", port: server.port)
        _ = try CollectorClient(endpoint: endpoint, key: "a\r\nHost: b").send("POST", "/", body: "{}", seconds: 5)
        let request = try #require(server.requests.first)
        #expect(request.fields["x-hammurabi-api-key"] == nil && request.body == Array("{}".utf8))
        await server.stop()
    }

    @Test func `lines are handed over as they come, a refusal whole`() async throws {
        let status = Mutex(200)
        let server = try await SinkServer.start { _ in
            SinkServer.Reply(status.withLock { $0 }, [], Array("{\"a\":1}\n{}\n".utf8))
        }
        let client = CollectorClient(endpoint: Endpoint(host: "127.0.0.1", port: server.port))
        let lines = Mutex<[String]>([])
        #expect(try client.lines("/tap") { line in lines.withLock { $0.append(line) } }.status == 200)
        #expect(lines.withLock { $0 } == ["{\"a\":1}", "{}"])
        status.withLock { $0 = 404 }
        let refusal = try client.lines("/tap") { _ in Issue.record("a line of a refusal") }
        #expect(refusal.status == 404 && refusal.body == "{\"a\":1}\n{}\n")
        await server.stop()
    }
}
