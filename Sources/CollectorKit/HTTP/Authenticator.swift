// SPDX-License-Identifier: Apache-2.0

/// An extension that checks the keys of requests; with one in `service.extensions`, every listener uses it.
public protocol Authenticator: Extension {
    /// The permissions of a key; nil for an unknown key.
    ///
    /// Called for every request, before its body is read, from any thread: it must not block, and its duration must not depend on how much
    /// of a key is right.
    func permissions(of key: String) -> Permissions?
    /// The name under which a key was given out; nil for one without a name.
    func name(of key: String) -> String?
}

extension Authenticator {
    /// No key has a name.
    public func name(of key: String) -> String? { nil }
    /// Itself.
    public var authenticator: (any Authenticator)? { self }
}

/// The permissions of a key.
public struct Permissions: OptionSet, Sendable, Hashable {
    /// One bit for each scope.
    public let rawValue: UInt8

    /// Creates permissions from bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Scope `telemetry:read`.
    public static let read = Permissions(rawValue: 1)
    /// Scope `telemetry:write`.
    public static let write = Permissions(rawValue: 2)
    /// All permissions: those of a request when no keys are required.
    public static let all: Permissions = [.read, .write]

    /// Whether they include the permission that a route requires.
    public func allow(_ access: Access) -> Bool {
        switch access {
        case .open: true
        case .read: contains(.read)
        case .write: contains(.write)
        }
    }
}

extension Access {
    /// The scope that a key needs for it; nil when no key is needed.
    public var scope: String? {
        switch self {
        case .open: nil
        case .read: "telemetry:read"
        case .write: "telemetry:write"
        }
    }
}
