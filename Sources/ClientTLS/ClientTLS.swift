// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import NIOSSL

extension TLSConfiguration {
    /// What a client needs to know of the section `tls` of a component; reads its files.
    ///
    /// - Throws: An error of the TLS library, when a file cannot be read or holds no certificate or key.
    package init(_ config: ClientTLSConfig) throws {
        self = .makeClientConfiguration()
        minimumTLSVersion = config.minVersion == .v1_3 ? .tlsv13 : .tlsv12
        if config.insecureSkipVerify { certificateVerification = .none }
        if !config.caFile.isEmpty {
            let authorities = try NIOSSLCertificate.fromPEMFile(config.caFile.path)
            if config.includeSystemCACertsPool {
                additionalTrustRoots = [.certificates(authorities)]
            } else {
                trustRoots = .certificates(authorities)
            }
        }
        if !config.certFile.isEmpty {
            certificateChain = try NIOSSLCertificate.fromPEMFile(config.certFile.path).map { .certificate($0) }
            privateKey = .privateKey(try NIOSSLPrivateKey(file: config.keyFile.path, format: .pem))
        }
    }
}
