// SPDX-License-Identifier: Apache-2.0

import JSON
import Logging
import Synchronization
public import Usage

/// The output of the collector's log with its level and format; safe to change while messages are written.
///
/// A repeated notice, warning or error is written at once the first time, then at most once a minute with its count.
public final class LogOutput: Sendable {
    private struct State {
        var settings: TelemetryConfig.Logs
        var repeats: [String: Repeat] = [:]
    }

    private struct Repeat {
        var written: Timestamp
        var suppressed = 0
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> Timestamp
    private let write: @Sendable (String) -> Void

    private static let interval: Int64 = 60_000_000_000
    private static let mostRepeats = 512
    /// The metadata keys that distinguish messages with the same text.
    private static let distinguishingKeys = [
        "receiver", "processor", "exporter", "extension", "reason", "path", "batches", "client", "attribute", "signal",
        "name", "file", "target", "alert",
    ]

    /// Writes to standard error.
    public convenience init(_ settings: TelemetryConfig.Logs, now: @escaping @Sendable () -> Timestamp) {
        self.init(settings, now: now) { StandardStream.error.write($0) }
    }

    init(
        _ settings: TelemetryConfig.Logs,
        now: @escaping @Sendable () -> Timestamp,
        write: @escaping @Sendable (String) -> Void
    ) {
        state = Mutex(State(settings: settings))
        self.now = now
        self.write = write
    }

    /// The level and the format.
    public var settings: TelemetryConfig.Logs {
        get { state.withLock { $0.settings } }
        set { state.withLock { $0.settings = newValue } }
    }

    func log(_ event: LogEvent, _ metadata: Logger.Metadata) {
        let time = now()
        var pairs = metadata.merging(event.metadata ?? [:]) { $1 }
        let encoding: TelemetryConfig.Encoding? = state.withLock { state in
            if event.level >= .notice {
                guard let repeats = Self.admit(event, pairs, at: time, &state) else { return nil }
                if repeats > 0 { pairs["repeated"] = "\(repeats)" }
            }
            return state.settings.encoding
        }
        switch encoding {
        case .console: write(Self.line(event, pairs, time))
        case .json: write(Self.json(event, pairs, time))
        case nil: break
        }
    }

    /// How often a message was suppressed since it was last written; nil when it is suppressed now.
    private static func admit(_ event: LogEvent, _ pairs: Logger.Metadata, at time: Timestamp, _ state: inout State)
        -> Int?
    {
        let key =
            "\(event.message)"
            + distinguishingKeys.compactMap { name in pairs[name].map { "\u{0}\(name)=\($0)" } }.joined()
        if let known = state.repeats[key], time.nanoseconds - known.written.nanoseconds < interval,
            time >= known.written
        {
            state.repeats[key]?.suppressed += 1
            return nil
        }
        let suppressed = state.repeats[key]?.suppressed ?? 0
        if state.repeats.count >= mostRepeats { state.repeats = [:] }
        state.repeats[key] = Repeat(written: time)
        return suppressed
    }

    private static func line(_ event: LogEvent, _ pairs: Logger.Metadata, _ time: Timestamp) -> String {
        var line = "\(time.iso8601) \(event.level) \(event.message)"
        for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
            let text = "\(value)"
            line += " \(key)=" + (text.contains { $0.isWhitespace || $0 == "\"" } ? text.jsonString : text)
        }
        return line + "\n"
    }

    private static func json(_ event: LogEvent, _ pairs: Logger.Metadata, _ time: Timestamp) -> String {
        var fields = [
            ("time", time.iso8601), ("level", "\(event.level)"), ("message", "\(event.message)"),
        ]
        fields += pairs.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        return "{" + fields.map { "\($0.0.jsonString):\($0.1.jsonString)" }.joined(separator: ",") + "}\n"
    }
}
