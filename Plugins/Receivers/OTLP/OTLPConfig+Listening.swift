// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPTypes
import OTLP

extension OTLPConfig {
    /// The listener, and the paths that only one component can answer.
    public var resources: [ConfigResource] {
        let (http, section) = (protocols.http, ["protocols", "http"])
        let paths = Signal.allCases.map { signal in
            ConfigResource(.path(http.path(of: signal), of: http.address), at: section + [http.pathKey(of: signal)])
        }
        var resources = [ConfigResource(.endpoint(http.address), at: section + ["endpoint"])] + paths
        if let tls = http.tls { resources.append(ConfigResource(.tls(tls, of: http.address), at: section + ["tls"])) }
        if let auth = http.auth {
            resources.append(
                ConfigResource(.authenticator(auth.authenticator), at: section + ["auth", "authenticator"])
            )
        }
        return resources
    }
}

extension OTLPConfig.HTTP {
    /// Where to listen, with the name of this machine made an address of the family that is wanted.
    var address: Endpoint {
        guard endpoint.host == "localhost" else { return endpoint }
        switch transport {
        case .tcp, .unix: return endpoint
        case .tcp4: return Endpoint(host: "127.0.0.1", port: endpoint.port)
        case .tcp6: return Endpoint(host: "::1", port: endpoint.port)
        }
    }

    /// What is asked of the listener.
    var connectionTerms: ConnectionTerms {
        var terms = ConnectionTerms()
        terms.headTime = readHeaderTimeout.ifSet
        terms.bodyTime = readTimeout.ifSet
        // The usual rate is the listener's own.
        if minBodyRate != Self().minBodyRate { terms.leastBodyRate = Int(clamping: minBodyRate.bytes) }
        terms.answerTime = writeTimeout.ifSet
        terms.idleTime = keepalive.idleTimeout.ifSet ?? idleTimeout.ifSet
        terms.keepsAlive = keepAlivesEnabled && keepalive.enabled
        return terms
    }

    /// Where records of a signal are posted; the slash in front may be left out, and one at the end means nothing.
    func path(of signal: Signal) -> String {
        let written =
            switch signal {
            case .traces: tracesURLPath
            case .logs: logsURLPath
            case .metrics: metricsURLPath
            }
        let path = written.isEmpty || written.hasPrefix("/") ? written : "/\(written)"
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// The key of that path.
    func pathKey(of signal: Signal) -> String { "\(signal)_url_path" }

    /// The codings of bodies that are taken.
    var codings: Set<ContentCoding> { Set(compressionAlgorithms.compactMap { ContentCoding(rawValue: $0) }) }

    /// What is added to every answer, in the order of the names.
    var responseFields: [HTTPField] {
        responseHeaders.sorted { $0.key < $1.key }.compactMap { name, secret in
            HTTPField.Name(name).map { HTTPField(name: $0, value: secret.value) }
        }
    }
}

extension ConfigDuration {
    /// The time, unless it is 0, which stands for whatever is usual.
    fileprivate var ifSet: Duration? { nanoseconds == 0 ? nil : duration }
}
