// SPDX-License-Identifier: Apache-2.0

public import Usage

/// What a dimension of a session is called; nil when it has no name.
public typealias SessionNamer = @Sendable (SessionNames, UsageDimension) -> String?

/// An extension that knows how the people, teams and projects of a store are called in answers.
public protocol SessionNaming: Extension {
    /// The names of a store's sessions at present; nil for a store that the extension does not answer for.
    ///
    /// May be called from any thread at any time, even before the start and after the shutdown.
    /// - Throws: The error of the store, when it cannot be read now.
    func namer(for store: ComponentID) async throws -> SessionNamer?
}

extension SessionNaming {
    /// Itself.
    public var sessionNaming: (any SessionNaming)? { self }
}
