// SPDX-License-Identifier: Apache-2.0

public import Logging
public import Usage

/// Writes the collector's log to standard error, one line a message: time, level, message, then `key=value` pairs.
public struct StderrLogHandler: LogHandler {
    /// The least important messages that are written.
    public var logLevel: Logger.Level
    /// Pairs that every message carries.
    public var metadata: Logger.Metadata = [:]
    private let now: @Sendable () -> Timestamp

    /// Creates a handler.
    public init(level: Logger.Level, now: @escaping @Sendable () -> Timestamp) {
        logLevel = level
        self.now = now
    }

    /// One pair.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a message.
    public func log(event: LogEvent) {
        let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        var line = "\(now().iso8601) \(event.level) \(event.message)"
        for (key, value) in pairs {
            let text = "\(value)"
            line += " \(key)=" + (text.contains { $0.isWhitespace || $0 == "\"" } ? JSONText.quoted(text) : text)
        }
        StandardStream.error.write(line + "\n")
    }
}
