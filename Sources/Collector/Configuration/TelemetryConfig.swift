// SPDX-License-Identifier: Apache-2.0

public import Logging

/// What a user writes under `service.telemetry:`, about the collector's own doings.
public struct TelemetryConfig: Codable, Sendable, Hashable {
    /// Its log.
    public var logs = Logs()

    /// The defaults.
    public init() {}

    /// The collector's own log, written to standard error.
    public struct Logs: Codable, Sendable, Hashable {
        /// The least important messages that are written.
        public var level = Level.info
        /// How they are written.
        public var encoding = Encoding.console

        /// The defaults.
        public init() {}
    }

    /// How a message is written.
    public enum Encoding: String, Codable, Sendable, Hashable, CaseIterable {
        /// A line of text for people.
        case console
        /// A line of JSON for programs.
        case json
    }

    /// How important a message is.
    public enum Level: String, Codable, Sendable, Hashable, CaseIterable {
        /// Everything.
        case debug
        /// What an operator wants to know.
        case info
        /// What may need a hand.
        case warn
        /// What went wrong.
        case error

        /// The level for the logging system.
        public var logLevel: Logger.Level {
            switch self {
            case .debug: .debug
            case .info: .info
            case .warn: .warning
            case .error: .error
            }
        }
    }
}
