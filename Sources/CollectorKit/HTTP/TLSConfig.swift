// SPDX-License-Identifier: Apache-2.0

public import YAML

/// The keys under `tls:` of a component that listens; they are those of the OpenTelemetry Collector.
///
/// The files are read at the start and when the configuration is reloaded.
public struct TLSConfig: ConfigSection, Hashable, AbsentKeyAdvising {
    /// The certificate with its chain, PEM.
    public var certFile = ConfigPath("")
    /// The private key of the certificate, PEM.
    public var keyFile = ConfigPath("")
    /// The authorities of client certificates, PEM; when set, every client must present one.
    public var clientCAFile = ConfigPath("")
    /// The oldest supported version of the protocol.
    public var minVersion = Version.tls12
    /// The newest; empty for no limit.
    public var maxVersion = Version.newest

    /// Creates settings without files.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case certFile = "cert_file"
        case keyFile = "key_file"
        case clientCAFile = "client_ca_file"
        case minVersion = "min_version"
        case maxVersion = "max_version"
    }

    /// A version of the protocol.
    public enum Version: String, Codable, Sendable, CaseIterable {
        /// No limit.
        case newest = ""
        /// TLS 1.2.
        case tls12 = "1.2"
        /// TLS 1.3.
        case tls13 = "1.3"
    }

    /// Advice about keys of the OpenTelemetry Collector that are not supported.
    public static let absentKeys = [
        "ca_file":
            "remove it: a server shows its own chain from cert_file; authorities of clients go under client_ca_file",
        "cert_pem": "write cert_file with the path of a file", "key_pem": "write key_file with the path of a file",
        "client_ca_file_reload": "remove it: SIGHUP reads all certificates again",
        "reload_interval": "remove it: SIGHUP reads all certificates again",
        "cipher_suites": "remove it: only suites that are known to be good are offered",
        "curve_preferences": "remove it: only curves that are known to be good are offered",
    ]

    /// The documentation of each key with the path of the section; merge it into the documentation of a component.
    public static func documentation(under section: String) -> [String: String] {
        [
            section: "HTTPS instead of HTTP; off unless it is there",
            "\(section).cert_file": "the certificate with its chain, a PEM file",
            "\(section).key_file": "the private key, a PEM file",
            "\(section).client_ca_file": "the authorities of client certificates; when set, clients must show one",
            "\(section).min_version": "the oldest TLS that is spoken, \"1.2\" or \"1.3\"",
            "\(section).max_version": "the newest TLS that is spoken; \"\" for any",
        ]
    }

    /// Reports missing values.
    ///
    /// - Parameter section: The keys that lead to this section.
    public func validate(_ findings: inout ConfigFindings, at section: [String]) {
        for (key, file) in [("cert_file", certFile), ("key_file", keyFile)] where file.isEmpty {
            findings.error(
                "tls",
                "HTTPS needs a certificate and its key, and \(key) is missing",
                at: section,
                help: "write tls: { cert_file: server.crt, key_file: server.key }"
            )
        }
        if minVersion == .tls13, maxVersion == .tls12 {
            findings.error("tls", "no version of TLS is left between 1.3 and 1.2", at: section + ["max_version"])
        }
    }
}
