// SPDX-License-Identifier: Apache-2.0

import YAML

/// A component's configuration with every kind of value, as plug-ins write them.
struct GatewayConfig: Codable, Sendable, Hashable {
    enum Compression: String, Codable, CaseIterable, Sendable { case gzip, zstd, none }

    struct Queue: Codable, Sendable, Hashable {
        var enabled = true
        var numConsumers: UInt8 = 10
        var maxSize = ConfigByteSize(mebibytes: 64)
    }

    struct Retry: Codable, Sendable, Hashable {
        var initialInterval = ConfigDuration(seconds: 5)
        var randomizationFactor = 0.5
        var queue = Queue()
    }

    struct TLS: ConfigSection, Hashable {
        var certFile: ConfigPath?
        var clientCAFile: ConfigPath?
        var minVersion = "1.2"
    }

    struct Key: Codable, Sendable, Hashable {
        var name: String
        var key: Secret
        var scopes: [String]?
        var ttl: ConfigDuration
    }

    var endpoint = "127.0.0.1:4318"
    var timeout = ConfigDuration(seconds: 5)
    var compression = Compression.gzip
    var retryOnFailure = Retry()
    var tls: TLS?
    var headers: [String: String] = ["X-Default": "1"]
    var directories: [ConfigPath] = ["~/logs"]
    var keys: [Key] = []
    var ports: [Int] = [4317, 4318]
    var webhook: Secret = ""
    var limit: Int?
    var version: String?
}

/// A configuration for it in which every kind of value occurs.
let realisticConfig = """
    # Gateway
    endpoint: 0.0.0.0:4318
    timeout: 1m30s
    compression: zstd
    retry_on_failure:
      initial_interval: 300ms
      randomization_factor: 1
      queue: {enabled: false, num_consumers: 4, max_size: 512KiB}
    tls:
      cert_file: ~/tls/cert.pem
      client_ca_file: /etc/ca.pem
    headers:
      Authorization: "Bearer ${env:API_KEY}"
      X-Tenant: 0123
    directories: [~/a, /b]
    keys:
      - name: ci
        key: literal-secret
        ttl: 90d
        scopes: [read, write]
    ports: []
    webhook: ${API_KEY}
    limit: 0x10
    version: 1.10

    """
