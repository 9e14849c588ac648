// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import CollectorKit
import HubAPI
import JSON
import NIOCore
import NIOHTTP1
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Takes notices to one target.
protocol AlertDelivery: Sendable {
    /// Delivers a notice; a target may get one twice when the collector ends in between, and recognises them by their id.
    func deliver(_ notice: AlertNotice) async throws(AlertDeliveryError)
}

/// Why a notice did not arrive; holds no address, because that of a webhook is a secret.
struct AlertDeliveryError: Error, Hashable {
    let reason: String
}

extension AlertNotice {
    /// The notice as a document.
    var document: AlertNoticeDocument {
        AlertNoticeDocument(
            id: id,
            kind: kind.rawValue,
            at: at.iso8601,
            rule: condition.rule.rawValue,
            key: condition.key,
            level: Int64(condition.level),
            title: condition.title,
            detail: condition.detail
        )
    }

    /// The title with what happened, in one line of visible characters.
    fileprivate var headline: String {
        switch kind {
        case .raised: condition.title.visible
        case .worsened: "worse: \(condition.title.visible)"
        case .resolved: "over: \(condition.title.visible)"
        case .test: "test: \(condition.title.visible)"
        }
    }
}

extension String {
    /// The text with spaces in place of control characters, and no longer than chat services take.
    fileprivate var visible: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.prefix(800).map { $0.properties.generalCategory == .control ? " " : $0 }
            )
        )
    }
}

/// Posts notices to an address.
struct WebhookDelivery: AlertDelivery {
    private let address: WebhookAddress
    private let format: AlertsConfig.Format

    init(_ address: WebhookAddress, format: AlertsConfig.Format) {
        (self.address, self.format) = (address, format)
    }

    func deliver(_ notice: AlertNotice) async throws(AlertDeliveryError) {
        let status: UInt
        do {
            var request = HTTPClientRequest(url: address.text)
            request.method = .POST
            request.headers = ["Content-Type": "application/json", "User-Agent": "hammurabi"]
            request.body = .bytes(ByteBuffer(bytes: try Self.body(of: notice, as: format)))
            status = try await HTTPClient.shared.execute(request, timeout: .seconds(10)).status.code
        } catch let error as HTTPClientError {
            throw AlertDeliveryError(reason: "\(error.shortDescription)")
        } catch {
            throw AlertDeliveryError(reason: "the webhook cannot be reached")
        }
        guard (200..<300).contains(status) else { throw AlertDeliveryError(reason: "the webhook answered \(status)") }
    }

    /// What is posted; names from outside cannot mention people or make links in a chat.
    static func body(of notice: AlertNotice, as format: AlertsConfig.Format) throws -> [UInt8] {
        switch format {
        case .json:
            return try OrderedJSONEncoder.bytes(of: notice.document)
        case .slack:
            func escaped(_ text: String) -> String {
                text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            }
            let text = "*\(escaped(notice.headline))*\n\(escaped(notice.condition.detail.visible))"
            return try OrderedJSONEncoder.bytes(of: SlackBody(text: text))
        case .discord:
            let text = "**\(notice.headline)**\n\(notice.condition.detail.visible)"
            return try OrderedJSONEncoder.bytes(of: DiscordBody(content: text, allowedMentions: .init(parse: [])))
        }
    }

    private struct SlackBody: Encodable {
        var text: String
    }

    private struct DiscordBody: Encodable {
        var content: String
        var allowedMentions: Mentions

        struct Mentions: Encodable {
            var parse: [String]
        }

        private enum CodingKeys: String, CodingKey {
            case content
            case allowedMentions = "allowed_mentions"
        }
    }
}

/// Runs a program for each notice: the document comes on its standard input, the essentials in its environment.
struct CommandDelivery: AlertDelivery {
    private let words: [String]
    private static let longest = Duration.seconds(30)

    init(_ words: [String]) {
        self.words = words
    }

    func deliver(_ notice: AlertNotice) async throws(AlertDeliveryError) {
        guard let input = try? OrderedJSONEncoder.bytes(of: notice.document) else {
            throw AlertDeliveryError(reason: "the notice cannot be written")
        }
        do throws(ChildProgram.Failure) {
            let child = try start(input, environment(of: notice))
            let deadline = ContinuousClock.now + Self.longest
            while true {
                if let status = try child.ended() { return try Self.check(status) }
                if ContinuousClock.now >= deadline || Task.isCancelled { break }
                try? await Task.sleep(for: .milliseconds(20))
            }
            child.kill()
            try child.wait()
        } catch {
            throw AlertDeliveryError(reason: error.reason)
        }
        throw AlertDeliveryError(reason: "the program did not end within 30 seconds")
    }

    private static func check(_ status: ChildProgram.Status) throws(ChildProgram.Failure) {
        switch status {
        case .exited(0): return
        case .exited(let code): throw ChildProgram.Failure(reason: "the program ended with \(code)")
        case .killed(let signal): throw ChildProgram.Failure(reason: "the program ended by signal \(signal)")
        }
    }

    private func environment(of notice: AlertNotice) -> [String] {
        let inherited = [
            "PATH", "HOME", "USER", "LANG", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR",
        ]
        .compactMap { (name: String) in getenv(name).map { "\(name)=\(String(cString: $0))" } }
        return inherited + [
            "HAMMURABI_ALERT_KIND=\(notice.kind.rawValue)",
            "HAMMURABI_ALERT_RULE=\(notice.condition.rule.rawValue)",
            "HAMMURABI_ALERT_TITLE=\(notice.headline)",
            "HAMMURABI_ALERT_DETAIL=\(notice.condition.detail.visible)",
        ]
    }

    /// Starts the program, with the notice waiting on its standard input.
    private func start(_ input: [UInt8], _ environment: [String]) throws(ChildProgram.Failure) -> ChildProgram {
        // Sockets, because they are never inherited, not for a moment; they hold 64 KiB, so that the write never waits.
        var pair: [Int32] = [-1, -1]
        guard input.count <= 65_536,
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0
        else { throw ChildProgram.Failure(reason: "no descriptors are left") }
        defer { for descriptor in pair { close(descriptor) } }
        _ = input.withUnsafeBytes { send(pair[1], $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        do throws(ChildProgram.Failure) {
            return try ChildProgram(words, environment: environment, input: pair[0])
        } catch {
            throw ChildProgram.Failure(reason: "\(words[0]) cannot be run: \(error.reason)")
        }
    }
}
