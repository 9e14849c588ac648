// SPDX-License-Identifier: Apache-2.0

public import Logging
public import Usage

/// Writes the collector's log to standard error, one message a line: time, level, message, then `key=value` pairs, or all of it as JSON.
public struct StderrLogHandler: LogHandler {
    /// Metadata of every message.
    public var metadata: Logger.Metadata = [:]
    private let output: LogOutput

    /// Creates a handler that uses the level and format of the output.
    public init(_ output: LogOutput) {
        self.output = output
    }

    /// Creates a handler of one level.
    public init(level: Logger.Level, now: @escaping @Sendable () -> Timestamp) {
        var settings = TelemetryConfig.Logs()
        settings.level = TelemetryConfig.Level.allCases.last { $0.logLevel <= level } ?? .debug
        output = LogOutput(settings, now: now)
    }

    /// The lowest level that is written; that of the output, whatever level a logger sets.
    public var logLevel: Logger.Level {
        get { output.settings.level.logLevel }
        set {}
    }

    /// The value of one key.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a message.
    public func log(event: LogEvent) { output.log(event, metadata) }
}
