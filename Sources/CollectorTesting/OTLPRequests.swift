// SPDX-License-Identifier: Apache-2.0

public import OTLP

/// The two encodings of OTLP over HTTP, by the media type that a request names.
public enum OTLPEncoding: String, Sendable, CaseIterable {
    case protobuf = "application/x-protobuf"
    case json = "application/json"

    /// A request, given in JSON, in this encoding.
    public func body(_ signal: Signal, _ json: String) throws -> [UInt8] {
        let json = Array(json.utf8)
        return self == .json ? json : try OTLPBatch(signal: signal, json: json).bytes
    }

    /// A request with a valid span, and one that is refused because its trace id has 20 bytes.
    public var oneBadSpan: [UInt8] {
        if self == .json {
            let good = #"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}"#
            let bad = #"{"traceId":"5b8efff798038103d269b633813fc60c5b8efff7","spanId":"eee19b7ec3c1b174"}"#
            return Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(good),\#(bad)]}]}]}"#.utf8)
        }
        var writer = ProtobufWriter()
        writer.message(1) { resource in
            resource.message(2) { scope in
                for size in [16, 20] {
                    scope.message(2) { span in
                        span.bytes(1, [UInt8](repeating: 7, count: size))
                        span.bytes(2, [UInt8](repeating: 9, count: 8))
                    }
                }
            }
        }
        return writer.finish()
    }
}

extension Signal {
    /// A request with two records, as OTLP/JSON.
    public var twoRecords: String {
        switch self {
        case .traces:
            """
            {"resourceSpans":[{"scopeSpans":[{"spans":[
            {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"a"},
            {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b175","name":"b"}]}]}]}
            """
        case .logs:
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{"body":{"stringValue":"b"}}]}]}]}"#
        case .metrics:
            #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"1"},{"asInt":"2"}]}}]}]}]}"#
        }
    }
}
