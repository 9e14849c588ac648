// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Files
import FoundationEssentials
import OTLP
import Usage

/// What a user writes under `basicauth:`; the keys are those of the OpenTelemetry Collector.
public struct BasicAuthConfig: ComponentConfig, AbsentKeyAdvising {
    /// Who the collector is for destinations.
    public var clientAuth = ClientAuth()

    /// Creates an empty configuration.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case clientAuth = "client_auth"
    }

    /// A name and a password, each written or in a file.
    public struct ClientAuth: ConfigSection {
        /// The name.
        public var username = ""
        /// The file with the name.
        public var usernameFile: ConfigPath = ""
        /// The password.
        public var password: Secret = ""
        /// The file with the password.
        public var passwordFile: ConfigPath = ""

        /// Creates an empty configuration.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case username, password
            case usernameFile = "username_file"
            case passwordFile = "password_file"
        }
    }

    /// What each key means.
    public static let documentation = [
        "client_auth": "who the collector is for destinations",
        "client_auth.username": "the name; no colon",
        "client_auth.username_file": "the file with the name, which is read with every request; goes before username",
        "client_auth.password": "the password; never shown",
        "client_auth.password_file":
            "the file with the password, which is read with every request; goes before password",
    ]

    /// The help for a key of the OpenTelemetry Collector that is not there.
    public static let absentKeys = ["htpasswd": "remove it: the extension api_keys asks senders for keys"]

    /// Refuses a name or password that is missing.
    public func validate(_ findings: inout ConfigFindings) {
        let names = [("username", clientAuth.username.isEmpty && clientAuth.usernameFile.isEmpty)]
        let passwords = [("password", clientAuth.password.isEmpty && clientAuth.passwordFile.isEmpty)]
        for (key, isMissing) in names + passwords where isMissing {
            findings.error(
                "credentials",
                "\(key) or \(key)_file is required",
                at: ["client_auth"],
                help: "write client_auth: { username: collector, password: ${env:PASSWORD} }"
            )
        }
        if clientAuth.username.contains(":") {
            findings.error("credentials", "a name has no colon", at: ["client_auth", "username"])
        }
    }
}

/// Shows destinations a name and a password (RFC 7617).
final class BasicAuthExtension: Extension, ClientCredentials {
    private let config: BasicAuthConfig.ClientAuth
    private let settings: ComponentSettings

    init(_ config: BasicAuthConfig, _ settings: ComponentSettings) {
        (self.config, self.settings) = (config.clientAuth, settings)
    }

    func start() async throws(StartError) { settings.shared.provide(self, of: settings.id) }

    func shutdown() async { settings.shared.withdraw(self, of: settings.id) }

    func headerFields() async throws(ClientCredentialsError) -> [(name: String, value: Secret)] {
        do throws(FileError) {
            let name =
                config.usernameFile.isEmpty
                ? config.username : try SecretFile(config.usernameFile.path).text()
            let password =
                config.passwordFile.isEmpty
                ? config.password.value : try SecretFile(config.passwordFile.path).text()
            let text = Data("\(name):\(password)".utf8).base64EncodedString()
            return [("Authorization", Secret("Basic \(text)"))]
        } catch {
            throw ClientCredentialsError("\(settings.id): \(error)")
        }
    }

    /// Nothing is remembered.
    func wereRefused() async {}
}

extension ComponentFactory {
    /// Shows destinations a name and a password.
    public static let basicAuth = ComponentFactory.extension(
        "basicauth",
        BasicAuthConfig.self,
        isClientAuthenticator: true,
        summary: "shows the destination of an exporter a name and a password"
    ) { config, settings, _ in BasicAuthExtension(config, settings) }
}
