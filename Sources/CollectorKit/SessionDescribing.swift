// SPDX-License-Identifier: Apache-2.0

/// An extension that can describe a session.
public protocol SessionDescribing: Extension {
    /// The session as a JSON document in the form of the API; nil when it is unknown or cannot be read now.
    ///
    /// May be called from any thread at any time, even before the start and after the shutdown.
    func describe(session id: String) async -> String?
}

extension SessionDescribing {
    /// Itself.
    public var sessionDescribing: (any SessionDescribing)? { self }
}
