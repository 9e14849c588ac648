// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Objects that the components of one id share over all pipelines, signals and reloads of a collector.
///
/// Each pipeline has its own instance of a processor; an instance that needs data from another pipeline keeps it here. Safe to use from
/// many tasks at once.
public final class SharedParts: Sendable {
    private let parts = Mutex<[ComponentID: any Sendable]>([:])

    /// Creates an empty table.
    public init() {}

    /// The shared object of a component, created when there is none of that type.
    public func part<Part: Sendable>(of id: ComponentID, _ make: () -> Part) -> Part {
        parts.withLock { parts in
            if let known = parts[id] as? Part { return known }
            let part = make()
            parts[id] = part
            return part
        }
    }
}
