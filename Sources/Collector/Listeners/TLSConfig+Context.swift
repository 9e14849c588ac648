// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import NIOSSL

extension TLSConfig {
    /// Reads the certificates.
    ///
    /// - Throws: ``StartError`` that names the file.
    func context() throws(StartError) -> NIOSSLContext {
        let chain = try read(certFile, "the certificate") { try NIOSSLCertificate.fromPEMFile($0) }
        guard !chain.isEmpty else { throw Self.failure(certFile, "the certificate", "it holds none") }
        let key = try read(keyFile, "the private key") { try NIOSSLPrivateKey(file: $0, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.applicationProtocols = ["http/1.1"]
        configuration.minimumTLSVersion = minVersion == .tls13 ? .tlsv13 : .tlsv12
        configuration.maximumTLSVersion = maxVersion == .tls12 ? .tlsv12 : nil
        if !clientCAFile.isEmpty {
            let authorities = try read(clientCAFile, "the authorities of clients") {
                try NIOSSLCertificate.fromPEMFile($0)
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

    private func read<Content>(_ file: ConfigPath, _ name: String, _ read: (String) throws -> Content)
        throws(StartError)
        -> Content
    {
        do {
            // NIOSSL tells only that it could not read; why is what a user needs to know.
            _ = try StartupFile(path: file.path).content()
            return try read(file.path)
        } catch let error as StartError {
            throw Self.failure(file, name, error.description)
        } catch {
            throw Self.failure(file, name, "it is no PEM file of that kind")
        }
    }

    private static func failure(_ file: ConfigPath, _ name: String, _ reason: String) -> StartError {
        StartError(.inputOutput, "\(name) \(file) cannot be used: \(reason)")
    }
}
