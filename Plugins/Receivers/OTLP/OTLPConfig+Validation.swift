// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP

extension OTLPConfig {
    /// Refuses paths that cannot be told apart or never match, and limits that cannot be kept.
    public func validate(_ findings: inout ConfigFindings) {
        let section = ["protocols", "http"]
        var users: [String: Signal] = [:]
        for signal in Signal.allCases {
            let (path, key) = (protocols.http.path(of: signal), section + ["\(signal)_url_path"])
            if !path.hasPrefix("/") {
                findings.error(
                    "url-path",
                    "the path \"\(path)\" does not start with /",
                    at: key,
                    help: "write /\(path)"
                )
            } else if path.contains(where: { "?#{}".contains($0) || $0.isWhitespace }) {
                findings.error("url-path", "the path \"\(path)\" has a character that is none of a path", at: key)
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
        if !Self.bodySizes.contains(protocols.http.maxRequestBodySize.bytes) {
            findings.error(
                "out-of-range",
                "a body has 1B to 1GiB",
                at: section + ["max_request_body_size"],
                help: "write 64MiB"
            )
        }
        for (position, origin) in protocols.http.cors.allowedOrigins.enumerated()
        where !origin.contains("*") && !origin.contains("://") {
            let key = section + ["cors", "allowed_origins", "\(position)"]
            findings.error("origin", "\"\(origin)\" is no origin", at: key, help: "write https://\(origin)")
        }
    }

    /// The listener.
    public var resources: [ConfigResource] {
        [ConfigResource(.endpoint(protocols.http.endpoint), at: ["protocols", "http", "endpoint"])]
    }

    /// What a batch can hold, with room for the growth of JSON that becomes protobuf.
    private static let bodySizes: ClosedRange<Int64> = 1...(1 << 30)
}

extension OTLPConfig.HTTP {
    /// Where records of a signal are posted.
    func path(of signal: Signal) -> String {
        switch signal {
        case .traces: tracesURLPath
        case .logs: logsURLPath
        case .metrics: metricsURLPath
        }
    }
}
