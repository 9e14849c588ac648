// SPDX-License-Identifier: Apache-2.0

public import OTLP
public import YAML

/// What a user writes under a component's id.
///
/// A plain struct whose properties have defaults; keys are the properties' names, or those of a `CodingKeys` enumeration. What is
/// left out takes its default, an unknown key is an error, both without any code here.
///
/// ```swift
/// public struct EchoConfig: ComponentConfig {
///     public var greeting = "hello"
///     public init() {}
///     public static let documentation = ["greeting": "what to say to each record"]
/// }
/// ```
public protocol ComponentConfig: ConfigSection, ConfigValues {
    /// What each key means, in one line each; keys of nested sections are joined with dots.
    static var documentation: [String: String] { get }
}

/// A configuration as it was read: of a type of its own (``ComponentConfig``), or whatever a ``ConfigDefinition`` reads.
public protocol ConfigValues: Sendable {
    /// Reports what is wrong with values that are each well-formed; all of it, not only the first.
    func validate(_ findings: inout ConfigFindings)
    /// What of the world outside the component will use, so that conflicts are found before the start.
    var resources: [ConfigResource] { get }
    /// Where the component keeps a queue of what it sends: a folder, or the empty text for the standard one of its id; nil without a queue.
    ///
    /// A configuration of the library SendingQueue says it by itself; `hammurabi queue` finds the queue by it.
    var sendingQueueFolder: String? { get }
}

extension ConfigValues {
    /// Finds nothing wrong.
    public func validate(_ findings: inout ConfigFindings) {}
    /// Uses nothing.
    public var resources: [ConfigResource] { [] }
    /// Has no queue.
    public var sendingQueueFolder: String? { nil }
}

/// Something outside of itself that a component uses, and the key that says so.
public struct ConfigResource: Sendable, Hashable {
    /// What it is.
    public let kind: Kind
    /// The keys that lead to the value, from the component's own section on.
    public let path: [String]

    /// Creates a resource.
    public init(_ kind: Kind, at path: [String]) {
        self.kind = kind
        self.path = path
    }

    /// What a component can use.
    public enum Kind: Sendable, Hashable {
        /// A listener; several components may share one.
        case endpoint(Endpoint)
        /// Where records of a signal are sent.
        case destination(Endpoint, of: Signal)
        /// A path of a listener that only one component may answer.
        case path(String, of: Endpoint)
        /// HTTPS on a listener; all components of one listener must want the same.
        case tls(TLSConfig, of: Endpoint)
        /// The id of an extension that asks for keys.
        case authenticator(String)
        /// The id of an extension that says for an exporter who the collector is.
        case clientAuthenticator(String)
        /// A file that only one component may write.
        case file(String)
        /// The id of an exporter that answers queries.
        case store(String)
    }
}

/// What a component finds wrong with its configuration, each with the key that is at fault.
public struct ConfigFindings: Sendable {
    /// One fault.
    public struct Finding: Sendable, Hashable {
        /// Whether it only deserves a word and does not prevent the start.
        public let isWarning: Bool
        /// A short stable name of the kind of fault.
        public let code: String
        /// What is wrong.
        public let message: String
        /// The keys that lead to the fault, from the component's own section on.
        public let path: [String]
        /// What to write instead.
        public let help: String?
    }

    /// Everything found so far.
    public private(set) var items: [Finding] = []

    /// Creates findings of nothing.
    public init() {}

    /// Reports a fault that prevents the start.
    public mutating func error(_ code: String, _ message: String, at path: [String], help: String? = nil) {
        items.append(Finding(isWarning: false, code: code, message: message, path: path, help: help))
    }

    /// Reports something that deserves a word.
    public mutating func warning(_ code: String, _ message: String, at path: [String], help: String? = nil) {
        items.append(Finding(isWarning: true, code: code, message: message, path: path, help: help))
    }
}
