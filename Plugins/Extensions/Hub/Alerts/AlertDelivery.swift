// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import CollectorKit
import Glibc
import HubAPI
import JSON
import NIOCore
import NIOHTTP1
import Usage

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
        let child = try start(input, environment(of: notice))
        let deadline = ContinuousClock.now + Self.longest
        var status: Int32 = 0
        while true {
            let ended = waitpid(child, &status, WNOHANG)
            if ended == child { break }
            if ended < 0, errno != EINTR { throw AlertDeliveryError(reason: "the program was lost") }
            let isOver = ContinuousClock.now >= deadline || Task.isCancelled
            if isOver {
                kill(-child, SIGKILL)
                while waitpid(child, &status, 0) < 0, errno == EINTR {}
                throw AlertDeliveryError(reason: "the program did not end within 30 seconds")
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        guard status != 0 else { return }
        let code = status & 0x7f == 0 ? "with \(status >> 8 & 0xff)" : "by signal \(status & 0x7f)"
        throw AlertDeliveryError(reason: "the program ended \(code)")
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

    /// Starts the program in a process group of its own, with the notice waiting in a pipe.
    private func start(_ input: [UInt8], _ environment: [String]) throws(AlertDeliveryError) -> pid_t {
        // Sockets, because they are never inherited, not for a moment; they hold 64 KiB, so that the write never waits.
        var pair: [Int32] = [-1, -1]
        guard input.count <= 65_536,
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0
        else { throw AlertDeliveryError(reason: "no descriptors are left") }
        defer { for descriptor in pair { close(descriptor) } }
        _ = input.withUnsafeBytes { send(pair[1], $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pair[0], STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var usual = sigset_t()
        sigfillset(&usual)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        )
        var child = pid_t()
        let arguments = words.map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        let code = posix_spawnp(&child, words[0], &actions, &attributes, arguments, variables)
        guard code == 0 else {
            throw AlertDeliveryError(reason: "\(words[0]) cannot be run: \(String(cString: strerror(code)))")
        }
        return child
    }
}
