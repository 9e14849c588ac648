// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a key allows, as users write it.
public enum KeyScope: String, Codable, Sendable, CaseIterable, Hashable {
    /// Reports, sessions, the state of the collector.
    case read = "telemetry:read"
    /// Sending telemetry, scanning, compacting, reloading.
    case write = "telemetry:write"

    /// What routes ask for.
    public var permissions: Permissions {
        switch self {
        case .read: .read
        case .write: .write
        }
    }
}
