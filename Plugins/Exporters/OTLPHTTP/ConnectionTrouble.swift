// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient

/// Why no answer came, in words for whoever runs the collector.
enum ConnectionTrouble {
    private static let distrust = "CERTIFICATE_VERIFY_FAILED"

    /// What the libraries say in their own words, and what that means.
    private static let known = [
        (distrust, "nobody who is trusted vouches for its certificate; see tls.ca_file"),
        ("failedToValidateHostname", "its certificate is for another name; see tls.server_name_override"),
        ("CERTIFICATE_REQUIRED", "it asks for a certificate; see tls.cert_file"),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS; write http:// if that is meant"),
        ("Connection refused", "connection refused"),
        ("Connection reset", "the connection was reset"),
        ("Too many open files", "this process may not open more connections and files"),
        ("Network is unreachable", "the network is unreachable"),
        ("No route to host", "there is no route to it"),
        ("failed to resolve", "its name is not known"), ("dnsAError", "its name is not known"),
    ]

    /// Whether the certificate of the destination was not accepted, for a reason that the library keeps to itself.
    static func isDistrust(_ error: any Error) -> Bool { "\(error)".contains(distrust) }

    /// The reason on one short line, without the places in the libraries' sources.
    static func reason(_ error: any Error) -> String {
        let text = "\(error)"
        if let (_, meaning) = known.first(where: { text.contains($0.0) }) { return meaning }
        if let error = error as? HTTPClientError { return error.shortDescription.lowercased() }
        return String(text.prefix(120))
    }
}
