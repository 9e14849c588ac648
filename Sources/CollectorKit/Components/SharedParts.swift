// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What the components of one id have in common over all pipelines, signals and reloads of a collector.
///
/// Each pipeline gets a processor of its own, so that one that has to know of logs what came as traces keeps it here. May be used from
/// many tasks at once.
public final class SharedParts: Sendable {
    private let parts = Mutex<[ComponentID: any Sendable]>([:])
    private let credentials = Mutex<[ComponentID: any ClientCredentials]>([:])

    /// Creates an empty table.
    public init() {}

    /// The part of a component, made when there is none of that type.
    public func part<Part: Sendable>(of id: ComponentID, _ make: () -> Part) -> Part {
        parts.withLock { parts in
            if let known = parts[id] as? Part { return known }
            let part = make()
            parts[id] = part
            return part
        }
    }

    /// What the extension of an id lets exporters show; nil while it does not run.
    public func clientCredentials(of id: ComponentID) -> (any ClientCredentials)? { credentials.withLock { $0[id] } }

    /// Offers credentials under the id of an extension, in the place of those of an earlier one.
    public func provide(_ provider: any ClientCredentials, of id: ComponentID) {
        credentials.withLock { $0[id] = provider }
    }

    /// Withdraws credentials, unless those of a later extension are in their place.
    public func withdraw(_ provider: any ClientCredentials, of id: ComponentID) {
        credentials.withLock { if $0[id] === provider { $0[id] = nil } }
    }
}
