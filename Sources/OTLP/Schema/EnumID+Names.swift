// SPDX-License-Identifier: Apache-2.0

extension EnumID {
    /// The number of a name; OTLP/JSON forbids names, but some senders use them.
    func value(named name: String) -> UInt64? {
        guard name.hasPrefix(prefix) else { return nil }
        return names.firstIndex(of: String(name.dropFirst(prefix.count))).map(UInt64.init)
    }

    private var prefix: String {
        switch self {
        case .none: ""
        case .spanKind: "SPAN_KIND_"
        case .statusCode: "STATUS_CODE_"
        case .severity: "SEVERITY_NUMBER_"
        case .temporality: "AGGREGATION_TEMPORALITY_"
        }
    }

    private var names: [String] {
        switch self {
        case .none: []
        case .spanKind: ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
        case .statusCode: ["UNSET", "OK", "ERROR"]
        case .severity:
            ["UNSPECIFIED"]
                + ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].flatMap { [$0, $0 + "2", $0 + "3", $0 + "4"] }
        case .temporality: ["UNSPECIFIED", "DELTA", "CUMULATIVE"]
        }
    }
}
