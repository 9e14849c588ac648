// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What the components of one id have in common over all pipelines, signals and reloads of a collector.
///
/// Each pipeline gets a processor of its own, so that one that has to know of logs what came as traces keeps it here. May be used from
/// many tasks at once.
public final class SharedParts: Sendable {
    private let parts = Mutex<[ComponentID: any Sendable]>([:])

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
}
