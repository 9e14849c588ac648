// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a user writes under `otlp_http:`; the keys are those of the OpenTelemetry Collector, and what is ours besides.
public struct OTLPHTTPConfig: ComponentConfig {
    /// The base address; `/v1/traces`, `/v1/logs` or `/v1/metrics` is appended.
    public var endpoint = ""
    /// Where traces go, as it is.
    public var tracesEndpoint = ""
    /// Where logs go, as it is.
    public var logsEndpoint = ""
    /// Where metrics go, as it is.
    public var metricsEndpoint = ""
    /// Header fields of every request.
    public var headers: [String: Secret] = [:]
    /// How bodies are compressed.
    public var compression = Compression.gzip
    /// How hard.
    public var compressionParams = CompressionParams()
    /// How records are written.
    public var encoding = Encoding.proto
    /// How long an attempt may take.
    public var timeout = ConfigDuration(seconds: 30)
    /// Through which proxy requests go.
    public var proxyURL = ""
    /// Whether what was learned about calls is written onto their records.
    public var usageAttributes = false
    /// What happens when the destination cannot take a batch now.
    public var retryOnFailure = Retry()
    /// Where batches wait.
    public var sendingQueue = SendingQueue()
    /// Where batches go that the destination refuses for good.
    public var deadLetters = DeadLetters()
    /// How the destination is known and this collector shows who it is.
    public var tls = TLS()

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case endpoint, headers, compression, encoding, timeout, tls
        case tracesEndpoint = "traces_endpoint"
        case logsEndpoint = "logs_endpoint"
        case metricsEndpoint = "metrics_endpoint"
        case compressionParams = "compression_params"
        case proxyURL = "proxy_url"
        case usageAttributes = "usage_attributes"
        case retryOnFailure = "retry_on_failure"
        case sendingQueue = "sending_queue"
        case deadLetters = "dead_letters"
    }

    /// How bodies are compressed.
    public enum Compression: String, Codable, Sendable, CaseIterable {
        /// With gzip.
        case gzip
        /// Not at all.
        case none
    }

    /// How hard bodies are compressed.
    public struct CompressionParams: ConfigSection {
        /// 1 for fastest to 9 for smallest.
        public var level = 1

        /// The defaults.
        public init() {}
    }

    /// How records are written.
    public enum Encoding: String, Codable, Sendable, CaseIterable {
        /// As protobuf.
        case proto
        /// As OTLP/JSON.
        case json
    }

    /// What happens when the destination cannot take a batch now.
    public struct Retry: ConfigSection {
        /// Whether there is another attempt at all.
        public var enabled = true
        /// The wait before the second attempt.
        public var initialInterval = ConfigDuration(seconds: 5)
        /// By which part of itself a wait is shorter or longer by chance.
        public var randomizationFactor = 0.5
        /// How much longer each wait is than the one before.
        public var multiplier = 1.5
        /// The longest wait.
        public var maxInterval = ConfigDuration(seconds: 30)
        /// After how long a batch is given up; 0 for never.
        public var maxElapsedTime = ConfigDuration(seconds: 0)

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case enabled, multiplier
            case initialInterval = "initial_interval"
            case randomizationFactor = "randomization_factor"
            case maxInterval = "max_interval"
            case maxElapsedTime = "max_elapsed_time"
        }
    }

    /// Where refused batches go.
    public struct DeadLetters: ConfigSection {
        /// How many bytes of them are kept.
        public var maxSize = ConfigByteSize(mebibytes: 256)

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case maxSize = "max_size"
        }
    }

    /// How the destination is known, and this collector.
    public struct TLS: ConfigSection {
        /// Taken for the sake of configurations that have it; the address says whether TLS is used.
        public var insecure = false
        /// Whether anybody is taken for the destination.
        public var insecureSkipVerify = false
        /// The name that the destination's certificate must have, when it is another than the address has.
        public var serverNameOverride = ""
        /// Who vouches for the destination; the system's authorities when empty.
        public var caFile: ConfigPath = ""
        /// Whether the system's authorities are trusted beside those.
        public var includeSystemCACertsPool = false
        /// The certificate that this collector shows.
        public var certFile: ConfigPath = ""
        /// Its key.
        public var keyFile: ConfigPath = ""
        /// The oldest version that is spoken.
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
    }
}
