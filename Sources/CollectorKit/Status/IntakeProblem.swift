// SPDX-License-Identifier: Apache-2.0

public import OTLP
public import Usage

/// Telemetry that reached the collector and was not collected or not counted: the client, the number, and the next step.
///
/// "Nothing arrives" is the most frequent question about telemetry (anthropics/claude-code#1911,
/// open-telemetry/opentelemetry-collector#10334), and the cause is nearly always one of these problems.
public struct IntakeProblem: Sendable, Hashable {
    /// The kind of problem.
    public var code: Code
    /// The path of the request, or the name of the attribute; empty when there was no request yet.
    public var subject: String
    /// The sender's user agent; empty when it sent none.
    public var client: String
    /// The signal of the records, when it matters.
    public var signal: Signal?
    /// The HTTP status of the answer; nil when there was none.
    public var status: Int?
    /// The latest reason; free of secrets and of record content.
    public var reason: String
    /// The number of requests, connections or records since the collector started.
    public var count: Int
    /// When it first happened.
    public var firstSeen: Timestamp
    /// When it last happened.
    public var lastSeen: Timestamp

    /// Creates a problem.
    public init(
        code: Code,
        subject: String,
        client: String = "",
        signal: Signal? = nil,
        status: Int? = nil,
        reason: String,
        count: Int,
        firstSeen: Timestamp,
        lastSeen: Timestamp
    ) {
        self.code = code
        self.subject = subject
        self.client = client
        self.signal = signal
        self.status = status
        self.reason = reason
        self.count = count
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
    }

    /// The kinds of problem; the raw values are stable and part of the API, the log and the metrics.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// A path without a route.
        case unknownPath = "unknown_path"
        /// A signal that no pipeline takes.
        case noPipeline = "no_pipeline"
        /// A method that the path does not support.
        case wrongMethod = "wrong_method"
        /// An unsupported Content-Type.
        case unsupportedType = "unsupported_type"
        /// An unsupported Content-Encoding.
        case unsupportedCoding = "unsupported_coding"
        /// A body that does not match its type, or data that a pipeline will never take.
        case unreadableBody = "unreadable_body"
        /// A body that ended early.
        case incompleteBody = "incomplete_body"
        /// More bytes than allowed.
        case tooLarge = "too_large"
        /// A missing key where one is required.
        case missingKey = "missing_key"
        /// An unknown key.
        case unknownKey = "unknown_key"
        /// A key without the scope.
        case missingScope = "missing_scope"
        /// A web page of an origin that may not send.
        case foreignOrigin = "foreign_origin"
        /// A Host field that does not name this machine, without keys.
        case foreignHost = "foreign_host"
        /// Bytes that are not an HTTP request.
        case malformedRequest = "malformed_request"
        /// Header fields that are too long or too many.
        case headTooLarge = "head_too_large"
        /// A request that took too long to arrive.
        case tooSlow = "too_slow"
        /// No memory for a body.
        case noMemory = "no_memory"
        /// More connections than allowed.
        case tooManyConnections = "too_many_connections"
        /// A component that cannot take data now.
        case unavailable
        /// An error of this program.
        case failed
        /// A violation of HTTP/2, by mistake or by a flood of resets or settings.
        case http2
        /// Plain text, or a failed handshake, on a listener with TLS.
        case notEncrypted = "not_encrypted"
        /// Records of one signal at the path of another.
        case misplacedRecords = "misplaced_records"
        /// Records that have come through so many collectors that they must be going round in a circle of them.
        case circle
        /// Records that are malformed in a request that was taken.
        case malformedRecords = "malformed_records"
        /// Token usage in attributes that this version does not read.
        case unreadUsage = "unread_usage"
        /// Token usage in known attributes with values that cannot be read or are implausible.
        case unreadableUsage = "unreadable_usage"
        /// Names that were shortened because they exceed the limit.
        case longName = "long_name"
        /// Records that a store did not keep because they are older than what it removed (``CompactionBorder``).
        case expired

        /// Whether its subject is an attribute, a kind of name or a store.
        var isOfAttribute: Bool { [.unreadUsage, .unreadableUsage, .longName, .expired].contains(self) }

        /// The kind of an HTTP status when nothing more is known.
        public init(status: Int) {
            self =
                switch status {
                case 400: .unreadableBody
                case 401: .missingKey
                case 403: .missingScope
                case 404: .unknownPath
                case 405: .wrongMethod
                case 408: .tooSlow
                case 413: .tooLarge
                case 415: .unsupportedType
                case 421: .foreignHost
                case 431: .headTooLarge
                case 429, 502, 503, 504: .unavailable
                case 500: .failed
                default: .malformedRequest
                }
        }
    }
}

// MARK: - Words

extension IntakeProblem {
    /// The problem in one sentence.
    public var message: String {
        let by = client.isEmpty ? "" : " by \(client)"
        switch code {
        case .unreadUsage:
            return "\(records(count)) with usage in `\(subject)` that this version does not read"
        case .unreadableUsage:
            return "\(records(count)) with usage in `\(subject)` whose value cannot be read"
        case .longName:
            return "\(count) \(count == 1 ? "name" : "names") of the kind `\(subject)` cut: \(reason)"
        case .expired:
            return "\(records(count)) not kept by \(subject): \(reason)"
        case .misplacedRecords, .malformedRecords, .circle:
            return "\(records(count)) posted to \(subject)\(by) \(count == 1 ? "was" : "were") not taken: \(reason)"
        case .http2, .notEncrypted:
            return "\(count) \(count == 1 ? "connection" : "connections") could not be used: \(reason)"
        default:
            let to = subject.isEmpty ? "" : " to \(subject)"
            let refused = count == 1 ? "request\(to)\(by) was" : "requests\(to)\(by) were"
            return "\(count) \(refused) refused\(status.map { " with \($0)" } ?? ""): \(reason)"
        }
    }

    private func records(_ count: Int) -> String {
        let word =
            switch signal {
            case .traces: "span"
            case .logs: "log record"
            case .metrics: "data point"
            case nil: "record"
            }
        return "\(count) \(word)\(count == 1 ? "" : "s")"
    }

    /// The next step in one sentence.
    public var next: String { code.next }
}

extension IntakeProblem.Code {
    /// The next step in one sentence.
    public var next: String {
        switch self {
        case .unknownPath:
            "give the sender this collector's address without a path, or its path to traces_url_path, logs_url_path or metrics_url_path of the otlp receiver"
        case .noPipeline: "add a pipeline for this signal under service.pipelines, or let the sender not export it"
        case .wrongMethod: "let the sender POST its data"
        case .unsupportedType: "set the sender's protocol to http/protobuf or http/json"
        case .unsupportedCoding: "set the sender's compression to gzip, deflate, zstd or none"
        case .unreadableBody: "the reason names the fault; correct or update the sender"
        case .incompleteBody: "look at the sender's timeout and at proxies between it and this collector"
        case .tooLarge: "let the sender send smaller batches, or raise the limit that the answer names"
        case .missingKey:
            "make a key with hammurabi keys create and let the sender show it: OTEL_EXPORTER_OTLP_HEADERS=x-hammurabi-api-key=KEY"
        case .unknownKey: "hammurabi keys list shows the keys that are known, hammurabi keys create makes one"
        case .missingScope: "give the sender a key with the scope telemetry:write"
        case .foreignOrigin: "add the page's origin to cors.allowed_origins of the otlp receiver"
        case .foreignHost:
            "let the sender use 127.0.0.1 or localhost; or add the name that it uses to allowed_hosts of the otlp receiver; or name the extension api_keys under service.extensions, and a sender with a key may use any name"
        case .malformedRequest:
            "check that the sender sends OTLP over HTTP to this port, and https:// only where tls is configured"
        case .headTooLarge: "let the sender send fewer or shorter header fields"
        case .tooSlow: "look at the sender and at the network between it and this collector"
        case .noMemory:
            "senders try again; if this goes on, raise service.memory_limit or let them send smaller batches"
        case .tooManyConnections: "let senders keep their connections open, or use fewer of them"
        case .unavailable: "senders try again; hammurabi status names the component that is in trouble"
        case .failed: "the log names the error; please report it"
        case .http2: "update the sender; proxies between it and this collector must pass HTTP/2 on as a whole"
        case .notEncrypted: "let the sender use https:// and trust this collector's certificate"
        case .misplacedRecords: "correct the sender's endpoint for this signal"
        case .circle:
            "look at the otlp_http exporters of the collectors that send to each other, and take one of them out of its pipelines"
        case .malformedRecords: "the reason names the fault; correct or update the sender"
        case .longName:
            "let the sender use a shorter name; the end of a cut name distinguishes it from others with the same beginning"
        case .expired:
            "nothing needs to be done for repeats of old records; raise retention of the hub before records of that age are to count"
        case .unreadUsage:
            "update hammurabi; until it reads this form, tokens.rules can name attributes that hold a plain number"
        case .unreadableUsage:
            "look at the value that the sender writes: a figure is a whole number of tokens that one call can have, a text the whole object"
        }
    }
}
