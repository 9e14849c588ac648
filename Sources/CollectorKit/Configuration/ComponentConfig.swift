// SPDX-License-Identifier: Apache-2.0

public import OTLP
public import YAML

/// The configuration of a component, written under its id.
///
/// A plain struct whose properties have defaults; its keys are the properties' names, or those of a `CodingKeys` enumeration. A missing
/// key has its default and an unknown key is an error, both without code here.
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

/// A decoded configuration: of a ``ComponentConfig`` type, or of any form that a ``ConfigDefinition`` decodes.
public protocol ConfigValues: Sendable {
    /// Reports all errors of values that are well-formed each.
    func validate(_ findings: inout ConfigFindings)
    /// Reports what is wrong in files that the component reads when it is made; one that is not there may be on another machine, which is a
    /// warning.
    ///
    /// `hammurabi validate` reads them; a command that only decodes the configuration does not.
    func checkFiles(_ findings: inout ConfigFindings)
    /// The external resources that the component will use, so that conflicts are found before the start.
    var resources: [ConfigResource] { get }
    /// The folder of the component's sending queue; the empty text for the default folder of its id, nil without a queue.
    ///
    /// Configurations of the library SendingQueue implement it; `hammurabi queue` finds the queue by it.
    var sendingQueueFolder: String? { get }
}

extension ConfigValues {
    /// Reports nothing.
    public func validate(_ findings: inout ConfigFindings) {}
    /// Reads no files.
    public func checkFiles(_ findings: inout ConfigFindings) {}
    /// No resources.
    public var resources: [ConfigResource] { [] }
    /// No queue.
    public var sendingQueueFolder: String? { nil }
}

/// An external resource of a component, and the key that names it.
public struct ConfigResource: Sendable, Hashable {
    /// The resource.
    public let kind: Kind
    /// The keys that lead to the value, starting in the component's section.
    public let path: [String]

    /// Creates a resource.
    public init(_ kind: Kind, at path: [String]) {
        self.kind = kind
        self.path = path
    }

    /// The kinds of resources.
    public enum Kind: Sendable, Hashable {
        /// A listener; several components may share one.
        case endpoint(Endpoint)
        /// The address to which records of a signal are sent.
        case destination(Endpoint, of: Signal)
        /// A path of a listener that only one component may answer.
        case path(String, of: Endpoint)
        /// TLS settings of a listener; all components of one listener must have the same.
        case tls(TLSConfig, of: Endpoint)
        /// The id of an extension that checks keys.
        case authenticator(String)
        /// The id of an extension that says for an exporter who the collector is.
        case clientAuthenticator(String)
        /// A file that only one component may write.
        case file(String)
        /// The id of an exporter that answers queries.
        case store(String)
    }
}

/// The problems that a component finds in its configuration, each with its key.
public struct ConfigFindings: Sendable {
    /// One problem.
    public struct Finding: Sendable, Hashable {
        /// Whether it is a warning and does not prevent the start.
        public let isWarning: Bool
        /// A short stable name of the kind of problem.
        public let code: String
        /// What is wrong.
        public let message: String
        /// The keys that lead to the problem, starting in the component's section.
        public let path: [String]
        /// What to write instead.
        public let help: String?
    }

    /// All problems so far.
    public private(set) var items: [Finding] = []

    /// Creates an empty list.
    public init() {}

    /// Reports an error, which prevents the start.
    public mutating func error(_ code: String, _ message: String, at path: [String], help: String? = nil) {
        items.append(Finding(isWarning: false, code: code, message: message, path: path, help: help))
    }

    /// Reports a warning.
    public mutating func warning(_ code: String, _ message: String, at path: [String], help: String? = nil) {
        items.append(Finding(isWarning: true, code: code, message: message, path: path, help: help))
    }
}
