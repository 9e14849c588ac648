// SPDX-License-Identifier: Apache-2.0

public import Logging
public import OTLP
import Synchronization
public import Usage

/// Records the outcome of everything that reached the collector: how many requests each listener answered and how, and what was lost.
///
/// One object for a whole collector, shared by its listeners and components; thread-safe. External names are shortened, cleaned of
/// control characters and limited in number, so that a hostile sender can fill neither the memory nor the log.
public final class IntakeLog: Sendable {
    private struct Key: Hashable {
        var code: IntakeProblem.Code
        var subject: String
        var client: String
        var signal: Signal?
    }

    private struct State {
        var listeners: [String: ListenerLog] = [:]
        var problems: [Key: IntakeProblem] = [:]
        var counts: [IntakeProblem.Code: Int] = [:]
        var dropped: [String: DroppedText] = [:]
    }

    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())

    /// The name under which names without room are counted.
    public static let other = "other"
    /// How many problems of requests are distinguished.
    static let mostRefusals = 128
    /// How many attributes with usage are distinguished.
    static let mostAttributes = 64
    /// How many keys of dropped texts are distinguished.
    static let mostDropped = 256
    private static let mostListeners = 64
    private static let longestSubject = 128
    private static let longestClient = 64
    private static let longestReason = 320
    /// A problem that has not occurred for this long may be replaced by a new one.
    private static let memory: Int64 = 3_600_000_000_000

    /// Creates a log without entries.
    ///
    /// - Parameter now: Returns the present time.
    public init(now: @escaping @Sendable () -> Timestamp = { Timestamp(nanoseconds: 0) }) {
        self.now = now
    }

    /// The counters of a listener; the same object for the same address.
    public func listener(_ address: String) -> ListenerLog {
        state.withLock { state in
            if let known = state.listeners[address] { return known }
            let name = state.listeners.count < Self.mostListeners ? address : Self.other
            let log = state.listeners[name] ?? ListenerLog(name)
            state.listeners[name] = log
            return log
        }
    }

    /// Records a loss and logs a warning; the log writes repeated messages once a minute with their count.
    ///
    /// - Parameters:
    ///   - subject: A path, whose query is removed, or an attribute's name.
    ///   - client: The sender's user agent.
    ///   - status: The HTTP status that it got.
    ///   - reason: Free of secrets and of record content.
    ///   - count: The number of requests, connections or records.
    public func note(
        _ code: IntakeProblem.Code,
        _ subject: String,
        client: String? = nil,
        signal: Signal? = nil,
        status: Int? = nil,
        reason: String,
        count: Int = 1,
        logger: Logger
    ) {
        guard count > 0 else { return }
        let isAttribute = code.isOfAttribute
        let subject = Self.cleaned(isAttribute ? subject[...] : subject.prefix { $0 != "?" }, Self.longestSubject)
        let client = Self.cleaned((client ?? "")[...], Self.longestClient)
        let reason = Self.cleaned(reason[...], Self.longestReason)
        let time = now()
        let problem = state.withLock { state in
            let key = Self.key(Key(code: code, subject: subject, client: client, signal: signal), in: &state, time)
            var problem =
                state.problems[key]
                ?? IntakeProblem(
                    code: code,
                    subject: key.subject,
                    client: key.client,
                    signal: signal,
                    reason: reason,
                    count: 0,
                    firstSeen: time,
                    lastSeen: time
                )
            problem.count = problem.count.addingReportingOverflow(count).partialValue
            (problem.lastSeen, problem.reason, problem.status) = (time, reason, status)
            state.problems[key] = problem
            state.counts[code, default: 0] &+= count
            return problem
        }
        Self.warn(problem, logger)
    }

    /// The entry for a problem: its own, or without room the common entry of its kind.
    private static func key(_ key: Key, in state: inout State, _ time: Timestamp) -> Key {
        if state.problems[key] != nil { return key }
        let isAttribute = key.code.isOfAttribute
        let kin = state.problems.filter { $0.key.code.isOfAttribute == isAttribute && $0.key.subject != other }
        if kin.count < (isAttribute ? mostAttributes : mostRefusals) { return key }
        if let oldest = kin.min(by: { $0.value.lastSeen < $1.value.lastSeen }),
            time.nanoseconds - oldest.value.lastSeen.nanoseconds > memory
        {
            state.problems[oldest.key] = nil
            return key
        }
        return Key(code: key.code, subject: other, client: key.client.isEmpty ? "" : other, signal: key.signal)
    }

    private static func warn(_ problem: IntakeProblem, _ logger: Logger) {
        // A failing component logs its own error.
        if problem.code == .unavailable { return }
        var pairs: Logger.Metadata = ["reason": "\(problem.code.rawValue)", "detail": "\(problem.reason)"]
        if let signal = problem.signal { pairs["signal"] = "\(signal)" }
        if problem.code == .longName {
            pairs["name"] = "\(problem.subject)"
            logger.warning("names were cut", metadata: pairs)
            return
        }
        if problem.code == .expired {
            pairs["component"] = "\(problem.subject)"
            logger.warning("records were too old to be kept", metadata: pairs)
            return
        }
        if problem.code.isOfAttribute {
            pairs["attribute"] = "\(problem.subject)"
            logger.warning("usage is not counted, because it is not read", metadata: pairs)
            return
        }
        if !problem.subject.isEmpty { pairs["path"] = "\(problem.subject)" }
        if !problem.client.isEmpty { pairs["client"] = "\(problem.client)" }
        if let status = problem.status { pairs["status"] = "\(status)" }
        logger.warning("telemetry was not taken", metadata: pairs)
    }

    /// The text without characters that move a cursor or hide others, cut to this many bytes.
    private static func cleaned(_ text: Substring, _ most: Int) -> String {
        var result = ""
        var bytes = 0
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: continue
            default: break
            }
            bytes += UTF8.width(scalar)
            if bytes > most { break }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    // MARK: - Reading

    /// The losses since the start, newest first.
    public var problems: [IntakeProblem] {
        state.withLock { state in
            state.problems.values.sorted {
                ($1.lastSeen, $0.code.rawValue, $0.subject, $0.client)
                    < ($0.lastSeen, $1.code.rawValue, $1.subject, $1.client)
            }
        }
    }

    /// Records texts that a processor dropped on purpose; logs nothing.
    ///
    /// - Parameter counts: The number of texts, by the key or place that they had.
    public func noteDropped(_ counts: [String: Int]) {
        guard !counts.isEmpty else { return }
        let time = now()
        state.withLock { state in
            for (key, count) in counts where count > 0 {
                let key = Self.cleaned(key[...], Self.longestSubject)
                // The common entry of further keys does not count against the limit.
                let named = state.dropped.count - (state.dropped[Self.other] == nil ? 0 : 1)
                let hasRoom = state.dropped[key] != nil || named < Self.mostDropped
                let name = hasRoom ? key : Self.other
                var text = state.dropped[name] ?? DroppedText(key: name, count: 0, firstSeen: time, lastSeen: time)
                text.count = text.count.addingReportingOverflow(count).partialValue
                text.lastSeen = time
                state.dropped[name] = text
            }
        }
    }

    /// The texts that processors dropped since the start, the most frequent first.
    public var droppedTexts: [DroppedText] {
        state.withLock { state in
            state.dropped.values.sorted { ($1.count, $0.key) < ($0.count, $1.key) }
        }
    }

    /// The number of problems of each kind since the start; never decreases.
    public var problemCounts: [IntakeProblem.Code: Int] { state.withLock { $0.counts } }

    /// The number of requests answered since the start, ordered by listener, path and status.
    public var requests: [RequestCount] {
        let listeners = state.withLock { Array($0.listeners.values) }
        return listeners.flatMap(\.counts).sorted {
            ($0.listener, $0.path, $0.code) < ($1.listener, $1.path, $1.code)
        }
    }
}

/// Texts that a processor dropped on purpose, by their key.
public struct DroppedText: Sendable, Hashable {
    /// The attribute's name, or a name for another place, such as `status.message` or `log_bodies`.
    public var key: String
    /// The number of texts since the collector started.
    public var count: Int
    /// When the first was dropped.
    public var firstSeen: Timestamp
    /// When the last was dropped.
    public var lastSeen: Timestamp

    /// Creates a count.
    public init(key: String, count: Int, firstSeen: Timestamp, lastSeen: Timestamp) {
        self.key = key
        self.count = count
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
    }
}

/// The number of answers of a listener for one path and status.
public struct RequestCount: Sendable, Hashable {
    /// The listener's address as configured.
    public var listener: String
    /// The path as a component declares it, such as `/api/telemetry/sessions/{id}`; `other` for paths without a route.
    public var path: String
    /// The HTTP status.
    public var code: Int
    /// The number of answers.
    public var count: Int

    /// Creates a count.
    public init(listener: String, path: String, code: Int, count: Int) {
        self.listener = listener
        self.path = path
        self.code = code
        self.count = count
    }
}

/// Counts the answers of one listener; thread-safe.
public final class ListenerLog: Sendable {
    private struct Key: Hashable {
        var path: String
        var code: Int
    }

    /// The listener's address as configured.
    public let address: String
    private let answers = Mutex<[Key: Int]>([:])

    /// The most entries.
    ///
    /// Paths come only from components; this is enough for many configurations.
    private static let most = 1_024

    fileprivate init(_ address: String) {
        self.address = address
    }

    /// Counts an answer.
    ///
    /// - Parameters:
    ///   - code: The HTTP status.
    ///   - path: The path as a component declares it; nil when there is no route.
    public func answered(_ code: Int, at path: String?) {
        answers.withLock { answers in
            let key = Key(path: path ?? IntakeLog.other, code: code)
            if let known = answers[key] {
                answers[key] = known &+ 1
            } else if answers.count < Self.most {
                answers[key] = 1
            } else {
                answers[Key(path: IntakeLog.other, code: code), default: 0] &+= 1
            }
        }
    }

    fileprivate var counts: [RequestCount] {
        answers.withLock { answers in
            answers.map { RequestCount(listener: address, path: $0.key.path, code: $0.key.code, count: $0.value) }
        }
    }
}
