// SPDX-License-Identifier: Apache-2.0

/// A value of its own kind that is written as one scalar, such as a duration.
///
/// Its `init(from:)` decodes one string from a single value container and throws `ConfigValueError` when it is not
/// acceptable; its `encode(to:)` writes the string that reads back as the same value.
public protocol ConfigScalar: Codable, Sendable {
    /// What the value is for, shown in messages, `components` and the JSON schema.
    static var valueType: ValueType { get }
}

/// A part of a configuration in which every key has a default.
///
/// Conform a struct that is used inside an optional or a list, so that its defaults are known there as well.
public protocol ConfigSection: Codable, Sendable {
    /// Creates the section with its defaults.
    init()
}

/// A section that knows which keys people write in it from habit, and what to tell them.
///
/// ```swift
/// extension ServerConfig: AbsentKeyAdvising {
///     static let absentKeys = ["grpc": "send OTLP over HTTP, which needs no key"]
/// }
/// ```
public protocol AbsentKeyAdvising {
    /// The help for each key that is not there.
    static var absentKeys: [String: String] { get }
}

/// A section whose keys are alternatives, each an optional section of its own.
///
/// Its defaults hold where nothing is written. Where one of the keys is, with a value or without, the others are absent unless they are
/// written, too, as `protocols` of the OpenTelemetry Collector has it.
public protocol AlternativeSections: ConfigSection {}

/// A value that has something harmless to stand in for it after an error was reported.
protocol PlaceholderProviding {
    static var placeholder: Self { get }
}
