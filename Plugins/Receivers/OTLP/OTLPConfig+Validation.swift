// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPTypes
import OTLP

extension OTLPConfig {
    /// Refuses paths that cannot be told apart or never match, limits that cannot be kept, and what is not offered.
    public func validate(_ findings: inout ConfigFindings) {
        let http = HTTPFindings(http: protocols.http)
        http.checkTransport(&findings)
        http.checkPaths(&findings)
        http.checkBodies(&findings)
        http.checkTimes(&findings)
        http.checkResponseHeaders(&findings)
        http.checkOrigins(&findings)
        protocols.http.tls?.validate(&findings, at: ["protocols", "http", "tls"])
    }
}

/// What is wrong with the section `http`.
private struct HTTPFindings {
    let http: OTLPConfig.HTTP

    /// What a batch can hold, with room for the growth of JSON that becomes protobuf.
    private static let bodySizes: ClosedRange<Int64> = 1...(1 << 30)
    private static let recordCounts = 1...10_000_000
    /// A shorter time ends what has hardly begun; a longer one is no limit.
    private static let times: ClosedRange<Int64> = 1_000_000...86_400_000_000_000
    /// The codings of the OpenTelemetry Collector that cannot be undone here.
    private static let absentCodings = ["zstd", "zlib", "snappy", "deflate", "lz4", "x-snappy-framed"]
    /// What the collector alone decides about an answer.
    private static let ownFields = [
        "connection", "content-encoding", "content-length", "content-type", "transfer-encoding",
    ]

    private func key(_ names: String...) -> [String] { ["protocols", "http"] + names }

    func checkTransport(_ findings: inout ConfigFindings) {
        let (host, port) = (http.endpoint.host, http.endpoint.port)
        let isIPv4 = host.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }.count == 4
        switch http.transport {
        case .tcp4 where host.contains(":"):
            findings.error(
                "transport",
                "\(host) is no IPv4 address",
                at: key("endpoint"),
                help: "write 127.0.0.1:\(port)"
            )
        case .tcp6 where isIPv4:
            findings.error(
                "transport",
                "\(host) is no IPv6 address",
                at: key("endpoint"),
                help: "write \"[::1]:\(port)\""
            )
        case .unix:
            findings.error(
                "transport",
                "sockets of the file system are not offered yet",
                at: key("transport"),
                help: "write tcp, and endpoint: 127.0.0.1:4318"
            )
        case .tcp, .tcp4, .tcp6: break
        }
    }

    func checkPaths(_ findings: inout ConfigFindings) {
        var users: [String: Signal] = [:]
        for signal in Signal.allCases {
            let (path, key) = (http.path(of: signal), key(http.pathKey(of: signal)))
            if path.isEmpty {
                findings.error("url-path", "the path of \(signal) is empty", at: key, help: "write /v1/\(signal)")
            } else if let odd = path.first(where: { "?#{}".contains($0) || $0.isWhitespace }) {
                findings.error("url-path", "the path has a \"\(odd)\", which no path can have", at: key)
            }
            if let other = users.updateValue(signal, forKey: path) {
                findings.error(
                    "url-path",
                    "\(signal) have the same path as \(other)",
                    at: key,
                    help: "give each signal a path of its own"
                )
            }
        }
    }

    func checkBodies(_ findings: inout ConfigFindings) {
        if !Self.bodySizes.contains(http.maxRequestBodySize.bytes) {
            findings.error(
                "out-of-range",
                "a body has 1B to 1GiB",
                at: key("max_request_body_size"),
                help: "write 64MiB"
            )
        }
        if !Self.recordCounts.contains(http.maxRequestRecords) {
            findings.error(
                "out-of-range",
                "a request has 1 to 10,000,000 records",
                at: key("max_request_records"),
                help: "write 100000"
            )
        }
        if http.minBodyRate.bytes > 1 << 20 {
            findings.error(
                "out-of-range",
                "a body brings at most 1MiB a second at least",
                at: key("min_body_rate"),
                help: "write 500B, or 0B for no least rate"
            )
        }
        for (position, name) in http.compressionAlgorithms.enumerated() where ContentCoding(rawValue: name) == nil {
            let key = key("compression_algorithms", "\(position)")
            if Self.absentCodings.contains(name) {
                findings.warning(
                    "coding",
                    "bodies that are compressed with \(name) are answered with 415 here",
                    at: key,
                    help: "let senders use gzip, or no compression"
                )
            } else {
                findings.error("coding", "\"\(name)\" is no compression", at: key, help: "write gzip, or \"\" for none")
            }
        }
        if http.codings.isEmpty {
            findings.error(
                "coding",
                "no body could be taken",
                at: key("compression_algorithms"),
                help: "write [\"\", gzip], or remove it"
            )
        }
    }

    func checkTimes(_ findings: inout ConfigFindings) {
        let times = [
            (http.readHeaderTimeout, key("read_header_timeout")), (http.readTimeout, key("read_timeout")),
            (http.writeTimeout, key("write_timeout")), (http.idleTimeout, key("idle_timeout")),
            (http.keepalive.idleTimeout, key("keepalive", "idle_timeout")),
        ]
        for (time, key) in times where time.nanoseconds != 0 && !Self.times.contains(time.nanoseconds) {
            findings.error(
                "out-of-range",
                "a time limit is 1ms to 24h",
                at: key,
                help: "write 60s, or 0 for the default"
            )
        }
    }

    func checkResponseHeaders(_ findings: inout ConfigFindings) {
        for (name, secret) in http.responseHeaders.sorted(by: { $0.key < $1.key }) {
            let key = key("response_headers", name)
            if HTTPField.Name(name) == nil {
                findings.error("header", "\"\(name)\" is no name of a header field", at: key)
            } else if Self.ownFields.contains(name.lowercased()) {
                findings.error("header", "the field \(name) is the collector's own", at: key, help: "remove it")
            } else if !HTTPField.isValidValue(secret.value) {
                findings.error("header", "the value of \(name) has a character that no header field may have", at: key)
            }
        }
    }

    func checkOrigins(_ findings: inout ConfigFindings) {
        let cors = http.cors
        for (position, origin) in cors.allowedOrigins.enumerated()
        where !origin.contains("*") && !origin.contains("://") {
            let key = key("cors", "allowed_origins", "\(position)")
            findings.error("origin", "\"\(origin)\" is no origin", at: key, help: "write https://\(origin)")
        }
        let lists = [("allowed_headers", cors.allowedHeaders), ("exposed_headers", cors.exposedHeaders)]
        for (list, names) in lists {
            for (position, name) in names.enumerated() where HTTPField.Name(name) == nil {
                let key = key("cors", list, "\(position)")
                findings.error("header", "\"\(name)\" is no name of a header field", at: key)
            }
        }
        let hasMore = !cors.allowedHeaders.isEmpty || !cors.exposedHeaders.isEmpty || cors.maxAge != 0
        if cors.allowedOrigins.isEmpty, hasMore {
            findings.warning(
                "origin",
                "without allowed_origins no page may send, and the rest has no effect",
                at: key("cors"),
                help: "write allowed_origins: [https://*.example.com]"
            )
        }
    }
}
