// SPDX-License-Identifier: Apache-2.0

public import OTLP
public import Usage

/// Telemetry that reached the collector and was not collected or not counted: what, from which client, how often, and what to do.
///
/// "Nothing arrives" is the most frequent question about telemetry (anthropics/claude-code#1911,
/// open-telemetry/opentelemetry-collector#10334), and its answer is nearly always one of these.
public struct IntakeProblem: Sendable, Hashable {
    /// What went wrong.
    public var code: Code
    /// The path that was posted to, or the name of the attribute; empty when there was no request yet.
    public var subject: String
    /// The sender's user agent; empty when it named none.
    public var client: String
    /// What the records are, where that matters.
    public var signal: Signal?
    /// The HTTP status that the sender got; nil when it got none.
    public var status: Int?
    /// The newest reason in words; free of secrets and of record content.
    public var reason: String
    /// How many requests, connections or records, since the collector started.
    public var count: Int
    /// When it happened first.
    public var firstSeen: Timestamp
    /// When it happened last.
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
        /// A path that nothing answers.
        case unknownPath = "unknown_path"
        /// A signal that no pipeline takes.
        case noPipeline = "no_pipeline"
        /// A method that the path does not take.
        case wrongMethod = "wrong_method"
        /// A Content-Type that is not read.
        case unsupportedType = "unsupported_type"
        /// A Content-Encoding that is not undone.
        case unsupportedCoding = "unsupported_coding"
        /// A body that is not what its type says, or data that a pipeline can never take.
        case unreadableBody = "unreadable_body"
        /// A body that ended early.
        case incompleteBody = "incomplete_body"
        /// More bytes than are taken.
        case tooLarge = "too_large"
        /// No key where one is asked for.
        case missingKey = "missing_key"
        /// A key that is not known.
        case unknownKey = "unknown_key"
        /// A key without the scope.
        case missingScope = "missing_scope"
        /// A web page of an origin that may not send.
        case foreignOrigin = "foreign_origin"
        /// A Host field that does not name this machine, where no keys are asked for.
        case foreignHost = "foreign_host"
        /// Bytes that are no HTTP request.
        case malformedRequest = "malformed_request"
        /// Header fields that are too long or too many.
        case headTooLarge = "head_too_large"
        /// A request that took too long to arrive.
        case tooSlow = "too_slow"
        /// No memory for a body.
        case noMemory = "no_memory"
        /// More connections than are served.
        case tooManyConnections = "too_many_connections"
        /// A component that cannot take data now.
        case unavailable
        /// An error of this program.
        case failed
        /// HTTP/2 whose rules were broken, by mistake or by a flood of resets or settings.
        case http2
        /// Plain text, or a handshake that failed, where TLS is spoken.
        case notEncrypted = "not_encrypted"
        /// Records of one signal at the path of another.
        case misplacedRecords = "misplaced_records"
        /// Records that have come through so many collectors that they must be going round in a circle of them.
        case circle
        /// Records that are malformed in a request that was taken.
        case malformedRecords = "malformed_records"
        /// Token usage in attributes that this version does not read.
        case unreadUsage = "unread_usage"
        /// Token usage in attributes that are read, with values from which no figure can be read or that cannot be believed.
        case unreadableUsage = "unreadable_usage"
        /// Names that were cut because they are longer than any name.
        case longName = "long_name"

        /// Whether its subject is an attribute or a kind of name.
        var isOfAttribute: Bool { self == .unreadUsage || self == .unreadableUsage || self == .longName }

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
    /// What happened, in one sentence.
    public var message: String {
        let by = client.isEmpty ? "" : " by \(client)"
        switch code {
        case .unreadUsage:
            return "\(records(count)) with usage in `\(subject)` that this version does not read"
        case .unreadableUsage:
            return "\(records(count)) with usage in `\(subject)` whose value cannot be read"
        case .longName:
            return "\(count) \(count == 1 ? "name" : "names") of the kind `\(subject)` cut: \(reason)"
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

    /// What to do about it, in one sentence.
    public var next: String { code.next }
}

extension IntakeProblem.Code {
    /// What to do about it, in one sentence.
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
            "check that the sender speaks OTLP over HTTP to this port, and https:// only where tls is configured"
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
            "let the sender use a shorter name; the end of a cut name tells it from others that begin alike"
        case .unreadUsage:
            "update hammurabi; until it reads this form, tokens.rules can name attributes that hold a plain number"
        case .unreadableUsage:
            "look at the value that the sender writes: a figure is a whole number of tokens that one call can have, a text the whole object"
        }
    }
}
