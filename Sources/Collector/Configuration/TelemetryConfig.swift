// SPDX-License-Identifier: Apache-2.0

public import Logging

/// The keys under `service.telemetry:`: what the collector reports about itself.
public struct TelemetryConfig: Codable, Sendable, Hashable {
    /// The settings of its log.
    public var logs = Logs()

    /// The defaults.
    public init() {}

    /// The collector's own log, written to standard error.
    public struct Logs: Codable, Sendable, Hashable {
        /// The lowest level that is written.
        public var level = Level.info
        /// The format of the messages.
        public var encoding = Encoding.console

        /// The defaults.
        public init() {}
    }

    /// The format of a message.
    public enum Encoding: String, Codable, Sendable, Hashable, CaseIterable {
        /// A line of text for people.
        case console
        /// A line of JSON for programs.
        case json
    }

    /// The severity of a message.
    public enum Level: String, Codable, Sendable, Hashable, CaseIterable {
        /// Everything.
        case debug
        /// Normal operation.
        case info
        /// Something that may need an operator.
        case warn
        /// An error.
        case error

        /// The level for swift-log.
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
