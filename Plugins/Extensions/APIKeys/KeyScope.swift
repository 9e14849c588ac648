// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// A scope of a key, as users write it.
public enum KeyScope: String, Codable, Sendable, CaseIterable, Hashable {
    /// Reading reports, sessions and the state of the collector.
    case read = "telemetry:read"
    /// Sending telemetry, scanning, compacting, reloading.
    case write = "telemetry:write"

    /// The permissions that routes check.
    public var permissions: Permissions {
        switch self {
        case .read: .read
        case .write: .write
        }
    }
}
