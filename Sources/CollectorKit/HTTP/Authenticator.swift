// SPDX-License-Identifier: Apache-2.0

/// An extension that knows who may send and ask; with one in `service.extensions`, every listener asks it.
public protocol Authenticator: Extension {
    /// What whoever shows this key may do; nil for a key that nobody has.
    ///
    /// Is asked with every request, before its body is read, from any thread: it must not wait, and how long it takes must not tell
    /// how much of a key is right.
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

/// What a key allows.
public struct Permissions: OptionSet, Sendable, Hashable {
    /// One bit for each scope.
    public let rawValue: UInt8

    /// Creates permissions of bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Scope `telemetry:read`.
    public static let read = Permissions(rawValue: 1)
    /// Scope `telemetry:write`.
    public static let write = Permissions(rawValue: 2)
    /// Every scope: what a request has where no keys are asked for.
    public static let all: Permissions = [.read, .write]

    /// Whether they are enough for a route.
    public func allow(_ access: Access) -> Bool {
        switch access {
        case .open: true
        case .read: contains(.read)
        case .write: contains(.write)
        }
    }
}

extension Access {
    /// The scope that a key needs for it; nil for what is open.
    public var scope: String? {
        switch self {
        case .open: nil
        case .read: "telemetry:read"
        case .write: "telemetry:write"
        }
    }
}
