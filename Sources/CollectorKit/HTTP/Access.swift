// SPDX-License-Identifier: Apache-2.0

/// What a sender must be allowed to do before a route answers it; the collector checks this before it reads the body.
public enum Access: Sendable, Hashable {
    /// Anybody may ask: whether the collector lives, and files without data.
    case open
    /// Reads what is kept; with keys, scope `telemetry:read`.
    case read
    /// Brings data or changes what is kept; with keys, scope `telemetry:write`.
    case write
}
