// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import OTLPReceiver
import Onboarding

extension PipelineGraph {
    /// The address at which agents on this machine reach its receiver.
    var endpointForAgents: EndpointURL {
        let receiver = used(.receiver).lazy.compactMap { $0.config as? OTLPConfig }.first
        let endpoint = receiver?.protocols.http.endpoint ?? Endpoint.otlpHTTP
        let host = ["0.0.0.0", "::"].contains(endpoint.host) ? "127.0.0.1" : endpoint.host
        let name = host.contains(":") ? "[\(host)]" : host
        let port = endpoint.port == 0 ? Endpoint.otlpHTTP.port : endpoint.port
        return EndpointURL("http://\(name):\(port)") ?? EndpointURL(loopbackPort: port)
    }
}
