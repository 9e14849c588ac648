// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import FoundationEssentials
import OTLP
import Usage

/// What a user writes under `oauth2client:`; the keys are those of the OpenTelemetry Collector.
public struct OAuth2ClientConfig: ComponentConfig, AbsentKeyAdvising {
    /// Who the collector is for the authorization server.
    public var clientID = ""
    /// The file with that.
    public var clientIDFile: ConfigPath = ""
    /// Its password.
    public var clientSecret: Secret = ""
    /// The file with that.
    public var clientSecretFile: ConfigPath = ""
    /// Where tokens are obtained.
    public var tokenURL = ""
    /// What the token is to allow.
    public var scopes: [String] = []
    /// Further parameters of the request for a token, such as `audience`.
    public var endpointParams: [String: [String]] = [:]
    /// How long a request for a token may take.
    public var timeout = ConfigDuration(seconds: 10)
    /// How long before its end a token is replaced.
    public var expiryBuffer = ConfigDuration(seconds: 300)
    /// How the authorization server is known.
    public var tls = ClientTLSConfig()

    /// Creates an empty configuration.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case scopes, timeout, tls
        case clientID = "client_id"
        case clientIDFile = "client_id_file"
        case clientSecret = "client_secret"
        case clientSecretFile = "client_secret_file"
        case tokenURL = "token_url"
        case endpointParams = "endpoint_params"
        case expiryBuffer = "expiry_buffer"
    }

    /// What each key means.
    public static let documentation = [
        "client_id": "who the collector is for the authorization server",
        "client_id_file": "the file with that, which is read for every token; goes before client_id",
        "client_secret": "its password; never shown",
        "client_secret_file": "the file with the password, which is read for every token; goes before client_secret",
        "token_url": "where tokens are obtained, such as https://login.example.com/oauth2/token",
        "scopes": "what the token is to allow",
        "endpoint_params": "further parameters of the request for a token, each a list, such as audience: [hub]",
        "timeout": "how long a request for a token may take",
        "expiry_buffer": "how long before its end a token is replaced; at most half of its life",
        "tls": "how the authorization server is known",
    ].merging(ClientTLSConfig.documentation) { own, _ in own }

    /// The name under which the authorization server is addressed for the sake of its certificate, and where it is; nil for its own name.
    var nameOverride: (name: String, host: String)? {
        let name = tls.serverNameOverride
        return name.isEmpty ? nil : URL(string: tokenURL)?.host.map { (name, $0) }
    }

    /// The address of requests for a token.
    var requestURL: String {
        guard let (name, _) = nameOverride, var parts = URLComponents(string: tokenURL) else { return tokenURL }
        parts.host = name
        return parts.string ?? tokenURL
    }

    /// The help for keys of the OpenTelemetry Collector that are not there.
    public static let absentKeys = [
        "grant_type": "remove it: tokens are obtained by client credentials",
        "client_certificate_key": "write client_secret: there are no signed assertions yet",
    ]

    /// Refuses what is missing, an address that is none, and times that cannot be kept.
    public func validate(_ findings: inout ConfigFindings) {
        let required = [
            ("client_id", clientID.isEmpty && clientIDFile.isEmpty),
            ("client_secret", clientSecret.isEmpty && clientSecretFile.isEmpty),
        ]
        for (key, isMissing) in required where isMissing {
            findings.error(
                "credentials",
                "\(key) or \(key)_file is required",
                at: [],
                help: "write \(key): ${env:NAME}"
            )
        }
        let address = URL(string: tokenURL)
        if !["http", "https"].contains(address?.scheme) || address?.host?.isEmpty != false {
            findings.error(
                "endpoint",
                "token_url is no http:// or https:// address",
                at: tokenURL.isEmpty ? [] : ["token_url"],
                help: "write token_url: https://login.example.com/oauth2/token, for example"
            )
        }
        if !(1_000_000...3_600_000_000_000).contains(timeout.nanoseconds) {
            findings.error("out-of-range", "a request takes 1ms to 1h", at: ["timeout"], help: "write 10s")
        }
        if !(0...86_400_000_000_000).contains(expiryBuffer.nanoseconds) {
            findings.error("out-of-range", "the time is 0s to 24h", at: ["expiry_buffer"], help: "write 5m")
        }
        tls.validate(&findings, acceptedAs: "the authorization server and receives the password")
    }
}
