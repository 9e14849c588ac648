// SPDX-License-Identifier: Apache-2.0

/// The permission that a route requires; the collector checks it before it reads the body.
public enum Access: Sendable, Hashable {
    /// None: for health checks, and files without data.
    case open
    /// Reading stored data; with keys, scope `telemetry:read`.
    case read
    /// Sending data or changing stored data; with keys, scope `telemetry:write`.
    case write
}
