// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Files
import OTLP
import Usage

/// What a user writes under `bearertokenauth:`; the keys are those of the OpenTelemetry Collector.
public struct BearerTokenAuthConfig: ComponentConfig, AbsentKeyAdvising {
    /// The header field.
    public var header = "Authorization"
    /// The word in front of the token; empty for the token alone.
    public var scheme = "Bearer"
    /// The token.
    public var token: Secret = ""
    /// The file with the token.
    public var filename: ConfigPath = ""

    /// No token.
    public init() {}

    /// What each key means.
    public static let documentation = [
        "header": "the header field that has the token",
        "scheme": "the word in front of the token; \"\" for the token alone",
        "token": "the token; never shown",
        "filename":
            "the file with the token, which is read with every request, so that it may rotate; goes before token",
    ]

    /// The help for a key of the OpenTelemetry Collector that is not there.
    public static let absentKeys = [
        "tokens": "write token: a destination is shown one; the extension api_keys asks senders for keys"
    ]

    /// Refuses a token that is missing, and a field that cannot be sent.
    public func validate(_ findings: inout ConfigFindings) {
        if token.isEmpty, filename.isEmpty {
            findings.error(
                "credentials",
                "token or filename is required",
                at: [],
                help: "write filename: /var/run/secrets/token, or token: ${env:TOKEN}"
            )
        }
        let isToken =
            !header.isEmpty && header.utf8.allSatisfy { 33...126 ~= $0 && !"\"(),/:;<=>?@[\\]{}".utf8.contains($0) }
        if !isToken {
            findings.error("header", "\"\(header)\" is no name of a header field", at: ["header"])
        }
        if !scheme.utf8.allSatisfy({ 32...126 ~= $0 }) {
            findings.error("header", "the scheme has a character that no header field may have", at: ["scheme"])
        }
    }
}

/// Shows destinations a token (RFC 6750 §2.1).
final class BearerTokenAuthExtension: Extension, ClientCredentials {
    private let config: BearerTokenAuthConfig
    private let settings: ComponentSettings

    init(_ config: BearerTokenAuthConfig, _ settings: ComponentSettings) {
        (self.config, self.settings) = (config, settings)
    }

    func start() async throws(StartError) { settings.shared.provide(self, of: settings.id) }

    func shutdown() async { settings.shared.withdraw(self, of: settings.id) }

    func headerFields() async throws(ClientCredentialsError) -> [(name: String, value: Secret)] {
        var token = config.token.value
        if !config.filename.isEmpty {
            do throws(FileError) {
                token = try SecretFile(config.filename.path).text()
            } catch {
                throw ClientCredentialsError("\(settings.id): \(error)")
            }
        }
        guard !token.isEmpty, token.utf8.allSatisfy({ 32...126 ~= $0 }) else {
            throw ClientCredentialsError(
                "\(settings.id): the token is empty or has a character that no header field may have"
            )
        }
        return [(config.header, Secret(config.scheme.isEmpty ? token : "\(config.scheme) \(token)"))]
    }

    /// Nothing is remembered.
    func wereRefused() async {}
}

extension ComponentFactory {
    /// Shows destinations a token.
    public static let bearerTokenAuth = ComponentFactory.extension(
        "bearertokenauth",
        BearerTokenAuthConfig.self,
        isClientAuthenticator: true,
        summary: "shows the destination of an exporter a token, which may be in a file that rotates"
    ) { config, settings, _ in BearerTokenAuthExtension(config, settings) }
}
