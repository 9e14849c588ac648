// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import CollectorKit
import NIOCore
import NIOSSL

extension OTLPHTTPConfig {
    /// How the HTTP client is set up; reads the files of `tls`.
    func clientConfiguration(_ id: ComponentID) throws(StartError) -> HTTPClient.Configuration {
        // Redirections are followed by hand: the library would turn some of them into a GET without a body.
        var client = HTTPClient.Configuration(redirectConfiguration: .disallow)
        client.timeout = HTTPClient.Configuration.Timeout(
            connect: min(timeout.amount, .seconds(10)),
            read: timeout.amount
        )
        client.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = sendingQueue.numConsumers
        client.connectionPool.retryConnectionEstablishment = false
        client.httpVersion = .http1Only
        if let proxy = WebAddress(proxyURL) { client.proxy = .server(host: proxy.host, port: proxy.port) }
        do {
            client.tlsConfiguration = try tlsConfiguration()
        } catch {
            throw StartError(.configuration, "\(id): the files of tls cannot be used: \(error)")
        }
        if !tls.serverNameOverride.isEmpty {
            for address in addresses.values { client.dnsOverride[tls.serverNameOverride] = address.host }
        }
        return client
    }

    private func tlsConfiguration() throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = tls.minVersion == .v1_3 ? .tlsv13 : .tlsv12
        if tls.insecureSkipVerify { configuration.certificateVerification = .none }
        if !tls.caFile.isEmpty {
            let authorities = try NIOSSLCertificate.fromPEMFile(tls.caFile.path)
            if tls.includeSystemCACertsPool {
                configuration.additionalTrustRoots = [.certificates(authorities)]
            } else {
                configuration.trustRoots = .certificates(authorities)
            }
        }
        if !tls.certFile.isEmpty {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(tls.certFile.path).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: tls.keyFile.path, format: .pem))
        }
        return configuration
    }
}
