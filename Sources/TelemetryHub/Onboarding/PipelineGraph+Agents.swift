// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import HubExtension
import OTLPReceiver
import Onboarding

extension PipelineGraph {
    /// The address at which agents on this machine reach its receiver.
    var endpointForAgents: EndpointURL {
        let receiver = used(.receiver).lazy.compactMap { $0.config as? OTLPConfig }.first
        // The address of gRPC answers HTTP, too.
        let endpoint = receiver?.protocols.http?.endpoint ?? receiver?.protocols.grpc?.endpoint ?? Endpoint.otlpHTTP
        let host = ["0.0.0.0", "::"].contains(endpoint.host) ? "127.0.0.1" : endpoint.host
        let name = host.contains(":") ? "[\(host)]" : host
        let port = endpoint.port == 0 ? Endpoint.otlpHTTP.port : endpoint.port
        let scheme = speaksTLS(at: endpoint) ? "https" : "http"
        return EndpointURL("\(scheme)://\(name):\(port)") ?? EndpointURL(loopbackPort: port)
    }

    /// A client for the collector of this configuration at one of its addresses.
    func client(at endpoint: Endpoint) -> CollectorClient {
        CollectorClient(endpoint: endpoint, trust: speaksTLS(at: endpoint) ? .ownListener : nil)
    }

    /// Whether what listens at an address speaks TLS; components that share it have it in common.
    func speaksTLS(at endpoint: Endpoint) -> Bool {
        used(.receiver).contains { component in
            guard let protocols = (component.config as? OTLPConfig)?.protocols else { return false }
            let addresses = [
                (protocols.http?.endpoint, protocols.http?.tls), (protocols.grpc?.endpoint, protocols.grpc?.tls),
            ]
            return addresses.contains { $0?.port == endpoint.port && $1 != nil }
        }
            || used(.extension).contains { component in
                guard let hub = component.config as? HubConfig else { return false }
                return hub.endpoint.port == endpoint.port && hub.tls != nil
            }
    }
}
