// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

extension OTLPConfig {
    /// How OTLP comes in over gRPC; the keys are those of the OpenTelemetry Collector's `configgrpc`.
    public struct RPC: ConfigSection, AbsentKeyAdvising {
        /// Where to listen.
        public var endpoint = Endpoint.otlpGRPC
        /// The family of the address.
        public var transport = Transport.tcp
        /// The largest message in MiB, before and after it is inflated; 0 for the default.
        public var maxMessageMebibytes = 64
        /// The most records of one call.
        public var maxRequestRecords = 100_000
        /// How many calls a connection may have under way at once; 0 for the default.
        public var maxConcurrentStreams = 32
        /// By which names of this machine programs may call without keys, beside the loopback names and those of containers.
        public var allowedHosts: [String] = []
        /// Taken for the sake of configurations that have it; buffers grow and shrink by themselves.
        public var readBufferSize = 0
        /// Taken like the one before.
        public var writeBufferSize = 0
        /// Taken for the sake of configurations that have it; the fields of every request go with its batches.
        public var includeMetadata = false
        /// How long connections live.
        public var keepalive = KeepAlive()
        /// TLS; nil for plain connections.
        public var tls: TLSConfig?
        /// Who asks for keys; nil leaves that to the service.
        public var auth: Auth?

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case endpoint, transport, keepalive, tls, auth
            case maxMessageMebibytes = "max_recv_msg_size_mib"
            case maxRequestRecords = "max_request_records"
            case maxConcurrentStreams = "max_concurrent_streams"
            case allowedHosts = "allowed_hosts"
            case readBufferSize = "read_buffer_size"
            case writeBufferSize = "write_buffer_size"
            case includeMetadata = "include_metadata"
        }

        /// The help for keys of the OpenTelemetry Collector that are not there.
        public static let absentKeys = [
            "max_recv_msg_size": "write max_recv_msg_size_mib: 64",
            "middlewares": "remove it: there are none yet; let a processor change or refuse what comes in",
            "tls_settings": "write tls",
        ]

        /// How long connections live.
        public struct KeepAlive: ConfigSection {
            /// What the server does.
            public var serverParameters = ServerParameters()
            /// What clients may do; taken for the sake of configurations that have it.
            public var enforcementPolicy = EnforcementPolicy()

            /// The defaults.
            public init() {}

            enum CodingKeys: String, CodingKey {
                case serverParameters = "server_parameters"
                case enforcementPolicy = "enforcement_policy"
            }
        }

        /// What the server does with connections; 0 for the listener's own limit.
        public struct ServerParameters: ConfigSection {
            /// How long a connection may be open without a call.
            public var maxConnectionIdle = ConfigDuration(nanoseconds: 0)
            /// How long a connection may be open in all, give or take a tenth.
            public var maxConnectionAge = ConfigDuration(nanoseconds: 0)
            /// How long calls may take after that.
            public var maxConnectionAgeGrace = ConfigDuration(nanoseconds: 0)
            /// After how long without a frame the client is asked whether it is there.
            public var time = ConfigDuration(nanoseconds: 0)
            /// How long it may take to answer that.
            public var timeout = ConfigDuration(nanoseconds: 0)

            /// The defaults.
            public init() {}

            enum CodingKeys: String, CodingKey {
                case time, timeout
                case maxConnectionIdle = "max_connection_idle"
                case maxConnectionAge = "max_connection_age"
                case maxConnectionAgeGrace = "max_connection_age_grace"
            }
        }

        /// How often clients may ask whether the server is there; it has no effect, because there is one limit for all frames of that kind.
        public struct EnforcementPolicy: ConfigSection {
            /// The least time between two questions.
            public var minTime = ConfigDuration(nanoseconds: 0)
            /// Whether they may be asked without a call.
            public var permitWithoutStream = false

            /// The defaults.
            public init() {}

            enum CodingKeys: String, CodingKey {
                case minTime = "min_time"
                case permitWithoutStream = "permit_without_stream"
            }
        }
    }
}

extension OTLPConfig.RPC {
    /// What each key means, with the path of the section in front.
    static func documentation(under section: String) -> [String: String] {
        let own = [
            "endpoint":
                "where to listen, host:port; when another program has 127.0.0.1:4317, the collector starts without it, because the endpoint of http takes calls, too",
            "transport": "tcp, or tcp4 and tcp6 for addresses of one family",
            "max_recv_msg_size_mib": "the largest message in MiB, before and after it is inflated; 0 means 64",
            "max_request_records": "the most records of one call, where there is no http, whose limit goes first",
            "max_concurrent_streams": "how many calls a connection may have under way at once; 0 means 32",
            "allowed_hosts": "names of this machine, as under http",
            "read_buffer_size": "has no effect: buffers have the size that they need",
            "write_buffer_size": "has no effect: buffers have the size that they need",
            "include_metadata":
                "has no effect: from_context of the processors attributes and resource reads the header fields of every request",
            "keepalive": "how long connections live",
            "keepalive.server_parameters": "what the collector does with connections",
            "keepalive.server_parameters.max_connection_idle":
                "how long a connection may be open without a call; 0 means 2m",
            "keepalive.server_parameters.max_connection_age":
                "how long a connection may be open in all, give or take a tenth; 0 means for ever",
            "keepalive.server_parameters.max_connection_age_grace":
                "how long calls may take once that is over; 0 means for ever",
            "keepalive.server_parameters.time":
                "after how long without a frame a client is asked whether it is there; 0 means never",
            "keepalive.server_parameters.timeout": "how long it may take to answer that; 0 means 20s",
            "keepalive.enforcement_policy": "how often clients may ask whether the collector is there",
            "keepalive.enforcement_policy.min_time":
                "has no effect: a client may send 1,000 pings and settings in 30 seconds",
            "keepalive.enforcement_policy.permit_without_stream": "has no effect: they may always be sent",
            "auth": "who asks for keys",
            "auth.authenticator":
                "the id of an extension; one under service.extensions asks at every listener, whether it is named here or not",
        ]
        var documentation = TLSConfig.documentation(under: "\(section).tls")
        documentation["\(section).tls"] = "TLS instead of plain connections; off unless it is there"
        for (key, text) in own { documentation["\(section).\(key)"] = text }
        documentation[section] = "OTLP over gRPC"
        return documentation
    }

    /// Where to listen, with the name of this machine made an address of the family that is wanted.
    var address: Endpoint { transport.address(of: endpoint) }

    /// The largest message in bytes.
    var largestMessage: Int { (maxMessageMebibytes > 0 ? maxMessageMebibytes : Self().maxMessageMebibytes) << 20 }

    /// What is asked of the listener.
    var connectionTerms: ConnectionTerms {
        let parameters = keepalive.serverParameters
        var terms = ConnectionTerms()
        terms.idleTime = parameters.maxConnectionIdle.ifSet
        terms.connectionAge = parameters.maxConnectionAge.ifSet
        terms.connectionGrace = parameters.maxConnectionAgeGrace.ifSet
        terms.pingInterval = parameters.time.ifSet
        terms.pingTimeout = parameters.timeout.ifSet
        if maxConcurrentStreams > 0, maxConcurrentStreams != Self().maxConcurrentStreams {
            terms.streams = maxConcurrentStreams
        }
        return terms
    }

    private static let messageSizes = 0...1_024
    /// Each can hold 1 MiB before it is read.
    private static let streamCounts = 0...1_000

    /// Refuses limits that cannot be kept, and what is not offered.
    func validate(_ findings: inout ConfigFindings, at section: [String]) {
        let address = AddressFindings(section: section, port: Endpoint.otlpGRPC.port)
        address.checkTransport(transport, endpoint, &findings)
        address.checkHosts(allowedHosts, &findings)
        address.checkRecords(maxRequestRecords, &findings)
        if !Self.messageSizes.contains(maxMessageMebibytes) {
            findings.error(
                "out-of-range",
                "a message has 1 to 1024 MiB",
                at: section + ["max_recv_msg_size_mib"],
                help: "write 64"
            )
        }
        if !Self.streamCounts.contains(maxConcurrentStreams) {
            findings.error(
                "out-of-range",
                "a connection has 1 to 1,000 calls at once",
                at: section + ["max_concurrent_streams"],
                help: "write 32"
            )
        }
        for (key, size) in [("read_buffer_size", readBufferSize), ("write_buffer_size", writeBufferSize)]
        where size != 0 {
            findings.warning(
                "no-effect",
                "buffers have the size that they need",
                at: section + [key],
                help: "remove it"
            )
        }
        let parameters = keepalive.serverParameters
        let times = [
            ("max_connection_idle", parameters.maxConnectionIdle), ("max_connection_age", parameters.maxConnectionAge),
            ("max_connection_age_grace", parameters.maxConnectionAgeGrace), ("time", parameters.time),
            ("timeout", parameters.timeout),
        ]
        address.checkTimes(times.map { (["keepalive", "server_parameters", $0], $1) }, &findings)
        tls?.validate(&findings, at: section + ["tls"])
    }
}
