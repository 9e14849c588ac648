// SPDX-License-Identifier: Apache-2.0

/// The limits that prevent a hostile file from using too much memory or time.
public struct ParseLimits: Hashable, Sendable {
    /// The largest file, in bytes.
    public var bytes: Int
    /// The most nodes after expanding aliases.
    public var nodes: Int
    /// The deepest nesting of lists and mappings after expanding aliases; keep it at or below 512.
    public var depth: Int

    /// Creates limits.
    public init(bytes: Int = 1 << 20, nodes: Int = 100_000, depth: Int = 64) {
        self.bytes = bytes
        self.nodes = nodes
        self.depth = depth
    }
}
