// SPDX-License-Identifier: Apache-2.0

public import YAML

/// How the server of a destination is verified, and the certificate of this collector: the section `tls` of an exporter, with the keys of the
/// OpenTelemetry Collector.
public struct ClientTLSConfig: ConfigSection {
    /// Accepted for configurations that have it; the scheme of the address decides whether TLS is used.
    public var insecure = false
    /// Whether the destination's certificate is not verified.
    public var insecureSkipVerify = false
    /// The name in the destination's certificate, when it differs from that in the address.
    public var serverNameOverride = ""
    /// The certificate authorities of the destination; the system's when empty.
    public var caFile: ConfigPath = ""
    /// Whether the system's authorities are trusted in addition to those.
    public var includeSystemCACertsPool = false
    /// The certificate that this collector presents.
    public var certFile: ConfigPath = ""
    /// The key of that certificate.
    public var keyFile: ConfigPath = ""
    /// The oldest accepted version.
    public var minVersion = Version.v1_2

    /// The defaults.
    public init() {}

    /// A version of TLS.
    public enum Version: String, Codable, Sendable, CaseIterable {
        /// 1.2.
        case v1_2 = "1.2"
        /// 1.3.
        case v1_3 = "1.3"
    }

    enum CodingKeys: String, CodingKey {
        case insecure
        case insecureSkipVerify = "insecure_skip_verify"
        case serverNameOverride = "server_name_override"
        case caFile = "ca_file"
        case includeSystemCACertsPool = "include_system_ca_certs_pool"
        case certFile = "cert_file"
        case keyFile = "key_file"
        case minVersion = "min_version"
    }

    /// Reports a certificate without its key, and that any server is accepted.
    ///
    /// - Parameter role: What an impostor is taken for and gets, such as `the destination and receives the headers`.
    public func validate(_ findings: inout ConfigFindings, acceptedAs role: String) {
        if !certFile.isEmpty != !keyFile.isEmpty {
            findings.error(
                "tls",
                "a certificate and its key go together",
                at: ["tls"],
                help: "write cert_file and key_file"
            )
        }
        if insecureSkipVerify {
            findings.warning(
                "tls",
                "any server that answers is accepted as \(role)",
                at: ["tls", "insecure_skip_verify"],
                help: "name the authority that signed it: ca_file"
            )
        }
    }

    /// What each key means, for a section under `tls`.
    public static let documentation = [
        "tls.insecure": "has no effect: http:// or https:// in the address decides",
        "tls.insecure_skip_verify": "true: the destination's certificate is not verified; for tests only",
        "tls.server_name_override": "the name that the destination's certificate must have",
        "tls.ca_file":
            "PEM file of the authorities that sign the destination's certificate; empty: the system's authorities",
        "tls.include_system_ca_certs_pool": "true: the system's authorities are trusted beside ca_file",
        "tls.cert_file": "PEM file of the certificate that this collector shows",
        "tls.key_file": "PEM file of its key",
        "tls.min_version": "the oldest version of TLS that is spoken",
    ]
}

/// Advice about keys of the OpenTelemetry Collector that are not supported.
extension ClientTLSConfig: AbsentKeyAdvising {
    /// The advice for each such key.
    public static let absentKeys = [
        "ca_pem": file, "cert_pem": file, "key_pem": file,
        "reload_interval": "remove it: files are read at the start; reload the collector to read them again",
        "max_version": "remove it: the newest version is spoken", "cipher_suites": library,
        "curve_preferences": library,
    ]

    private static let file = "name a file: ca_file, cert_file or key_file"
    private static let library = "remove it: the TLS library chooses"
}
