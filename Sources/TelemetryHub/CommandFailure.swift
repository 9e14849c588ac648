// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import FoundationEssentials
import HubAPI
import YAML

/// Why a command has no answer: text for people on standard error, JSON for programs on standard output.
struct CommandFailure: Error {
    var exitCode: Int32
    /// A stable name, such as `unknown-session`.
    var code: String
    var message: String
    /// The position in a file, `file:line:column`.
    var location: String?
    /// What to do next.
    var suggestion: String?

    /// The text for standard error.
    var text: String {
        "hammurabi: \(message)\n" + (suggestion.map { "  help: \($0)\n" } ?? "")
    }

    /// The document for `--json`.
    var json: String { JSONText.of(Document(error: Document.Body(self))) }

    private struct Document: Encodable {
        var error: Body

        struct Body: Encodable {
            var code: String
            var kind: String
            var message: String
            var location: String?
            var suggestion: String?

            init(_ failure: CommandFailure) {
                (code, kind) = (failure.code, Exit.kind(failure.exitCode))
                (message, location, suggestion) = (failure.message, failure.location, failure.suggestion)
            }

            enum CodingKeys: String, CodingKey { case code, kind, message, location, suggestion }

            /// Writes null for missing values, so that every key is present.
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(code, forKey: .code)
                try container.encode(kind, forKey: .kind)
                try container.encode(message, forKey: .message)
                try container.encode(location, forKey: .location)
                try container.encode(suggestion, forKey: .suggestion)
            }
        }
    }

    static let noHub = CommandFailure(
        exitCode: Exit.internalError,
        code: "internal",
        message: "the hub of this program answers no requests"
    )
}

extension CommandFailure {
    /// The arguments of the command line are wrong.
    static func usage(_ message: String, suggestion: String? = nil) -> CommandFailure {
        CommandFailure(exitCode: Exit.usage, code: "usage", message: message, suggestion: suggestion)
    }

    /// A configuration with errors; describes the first one.
    init(_ diagnostics: Diagnostics) {
        let first = diagnostics.items.first { $0.severity == .error }
        let location = first?.mark.map { "\($0.file):\($0.line):\($0.column)" }
        self.init(
            exitCode: Exit.configuration,
            code: first?.code ?? "configuration",
            message: first?.message ?? "the configuration cannot be used",
            location: location,
            suggestion: first?.help
        )
    }

    /// The failure for any error that a command may meet.
    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as StartError:
            self.init(exitCode: error.exitCode, code: Exit.kind(error.exitCode), message: "\(error)")
        case let error as StoreError:
            self.init(exitCode: Exit.inputOutput, code: "store", message: "the store could not answer: \(error)")
        case is DecodingError:
            self.init(
                exitCode: Exit.badInput,
                code: "unreadable-answer",
                message: "the answer is not that of a Telemetry Hub of this version",
                suggestion: "the running collector may be of another version; `hammurabi --version` shows this one's"
            )
        default:
            self.init(exitCode: Exit.internalError, code: "internal", message: "an unexpected error: \(error)")
        }
    }

    /// The failure for an error status of the API.
    ///
    /// - Parameter collector: The collector's address; nil when the store answered without one.
    init(status: Int, body: String, collector: String?) {
        let said = try? JSONDecoder().decode(ErrorDocument.self, from: Data(body.utf8))
        let message = (said?.error ?? "no reason given").printable
        switch status {
        case 400: self.init(exitCode: Exit.usage, code: "usage", message: message)
        case 401, 403:
            self.init(
                exitCode: Exit.permission,
                code: status == 401 ? "key-required" : "scope-required",
                message: "the collector at \(collector ?? "this machine") "
                    + (status == 401 ? "needs an API key, or does not know this one" : "refuses this key: \(message)"),
                suggestion: status == 401
                    ? "put a key into HAMMURABI_API_KEY, or give one with --api-key-stdin; `hammurabi keys create` makes one where the collector runs"
                    : "`hammurabi keys create` makes one with the scope that is missing"
            )
        case 404: self.init(exitCode: Exit.inputMissing, code: "not-found", message: message)
        case 422:
            self.init(
                exitCode: Exit.configuration,
                code: "configuration",
                message: "the new configuration is refused: \(message)"
            )
        case 503 where collector == nil: self.init(exitCode: Exit.inputOutput, code: "store", message: message)
        case 503, 429: self.init(exitCode: Exit.unreachable, code: "unavailable", message: message)
        default:
            self.init(
                exitCode: Exit.internalError,
                code: "internal",
                message: "the collector answered \(status): \(message)",
                suggestion: "see the collector's log"
            )
        }
    }

    /// Why a collector gave no answer.
    init(_ reason: CollectorClient.NoAnswer, _ endpoint: Endpoint) {
        self.init(reason, at: endpoint.description)
    }

    /// Why the collectors at some addresses gave no answer.
    init(_ reason: CollectorClient.NoAnswer, at places: String) {
        let (code, message, suggestion) =
            switch reason {
            case .notRunning: ("unreachable", "no collector answers at \(places)", "start it with `hammurabi run`")
            case .silent: ("silent", "the collector at \(places) does not answer in time", "see the collector's log")
            case .untrusted:
                (
                    "untrusted", "the certificate of the collector at \(places) is not trusted by this machine",
                    "let this machine trust its authority, or use the host that the certificate is for"
                )
            case .notHTTP:
                (
                    "no-collector", "the program that listens at \(places) is not a collector",
                    "`hammurabi doctor` names it"
                )
            }
        self.init(exitCode: Exit.unreachable, code: code, message: message, suggestion: suggestion)
    }

    /// The failure when the collector does not know a path.
    static func unsupported(_ path: String, _ collector: Endpoint?) -> CommandFailure {
        CommandFailure(
            exitCode: Exit.unreachable,
            code: "unsupported",
            message: "\(collector.map { "the collector at \($0)" } ?? "this program") does not answer \(path)",
            suggestion: "the running collector may be of another version; `hammurabi --version` shows this one's"
        )
    }
}
