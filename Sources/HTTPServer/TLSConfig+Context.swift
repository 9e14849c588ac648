// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import NIOSSL

extension TLSConfig {
    /// Reads the certificates.
    ///
    /// - Parameter content: Reads a file; what it throws says why it cannot.
    /// - Throws: ``StartError`` that names the file.
    package func context(reading content: (_ path: String) throws -> [UInt8]) throws(StartError) -> NIOSSLContext {
        let chain = try Self.read(certFile, "the certificate", content) { try NIOSSLCertificate.fromPEMBytes($0) }
        guard !chain.isEmpty else { throw Self.failure(certFile, "the certificate", "it holds none") }
        let key = try Self.read(keyFile, "the private key", content) { try NIOSSLPrivateKey(bytes: $0, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.applicationProtocols = ["http/1.1"]
        configuration.minimumTLSVersion = minVersion == .tls13 ? .tlsv13 : .tlsv12
        configuration.maximumTLSVersion = maxVersion == .tls12 ? .tlsv12 : nil
        if !clientCAFile.isEmpty {
            let authorities = try Self.read(clientCAFile, "the authorities of clients", content) {
                try NIOSSLCertificate.fromPEMBytes($0)
            }
            guard !authorities.isEmpty else {
                throw Self.failure(clientCAFile, "the authorities of clients", "it holds no certificate")
            }
            configuration.trustRoots = .certificates(authorities)
            // Clients have certificates without a name that could be checked.
            configuration.certificateVerification = .noHostnameVerification
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw StartError(
                .configuration,
                "the certificate \(certFile) and the key \(keyFile) cannot be used together: \(error)"
            )
        }
    }

    private static func read<Content>(
        _ file: ConfigPath,
        _ name: String,
        _ content: (String) throws -> [UInt8],
        _ parse: ([UInt8]) throws -> Content
    ) throws(StartError) -> Content {
        let bytes: [UInt8]
        do {
            bytes = try content(file.path)
        } catch {
            throw failure(file, name, "\(error)")
        }
        do {
            return try parse(bytes)
        } catch {
            throw failure(file, name, "it is no PEM file of that kind")
        }
    }

    private static func failure(_ file: ConfigPath, _ name: String, _ reason: String) -> StartError {
        StartError(.inputOutput, "\(name) \(file) cannot be used: \(reason)")
    }
}
