// SPDX-License-Identifier: Apache-2.0

/// A trait by which observations find one another: an id of the call, a place in a trace, or a cell of resemblance.
///
/// A hash, so that a store needs one index for all of them. What a link leads to is always checked against the observation itself:
/// two traits that share a hash cost a look, never a wrong call.
public struct LedgerLink: Sendable, Hashable, Comparable {
    /// The hash, spread evenly over 64 bits but for the lowest four: of a cell's link they are the kinds of ids, of others the
    /// fourth is zero.
    public let rawValue: UInt64

    /// Creates a link from what a store has kept.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The cell to which a link belongs, as a link that leads nowhere; nil for links of another sort.
    public var cell: LedgerLink? { rawValue & 8 == 0 ? nil : LedgerLink(rawValue: rawValue & ~15) }

    /// The set of kinds of ids (``CallKeys/kinds``) that a cell's link represents.
    public var kinds: UInt8 { UInt8(truncatingIfNeeded: rawValue & 7) }

    /// An id of the call (see ``CallKeys``).
    ///
    /// - Parameter decided: Which stronger kinds of ids the observation knows that decide over this one; 0 for none.
    static func key(_ key: UInt64, besides decided: UInt8 = 0) -> LedgerLink {
        LedgerLink(rawValue: (key ^ UInt64(decided) &* 0x5EED_0005_0000_0010) & ~8)
    }
    /// The observation itself, for one that knows neither an id of its call nor a span.
    static func identity(_ id: UInt64) -> LedgerLink { LedgerLink(rawValue: (id ^ 0x5EED_0004_0000_0000) & ~8) }
    /// The span that an observation is.
    static func span(_ span: UInt64) -> LedgerLink { LedgerLink(rawValue: (span ^ 0x5EED_0002_0000_0000) & ~8) }
    /// A span that an observation names as its ancestor.
    static func ancestor(_ span: UInt64) -> LedgerLink { LedgerLink(rawValue: (span ^ 0x5EED_0003_0000_0000) & ~8) }
    /// The observations of a cell that know the same kinds of ids.
    static func cell(_ cell: MatchBucket, kinds: UInt8) -> LedgerLink {
        LedgerLink(rawValue: cell.link.rawValue | 8 | UInt64(kinds & 7))
    }

    /// Orders links by their hash, as stores sort them.
    public static func < (left: LedgerLink, right: LedgerLink) -> Bool { left.rawValue < right.rawValue }
}

extension Observation {
    /// The link under which the call of this observation is found, for a store that looks for it.
    public var identifyingLink: LedgerLink { LedgerTraits(self).identifyingLink }

    /// Calls `body` with each link under which the observation must be found; never twice with the same.
    public func forEachLink(_ body: (LedgerLink) throws -> Void) rethrows {
        let traits = LedgerTraits(self)
        try traits.forEachLinkButCell(body)
        for rule in ResemblanceRule.allCases {
            if let cell = rule.cell(of: traits) { try body(.cell(cell, kinds: keys.kinds)) }
        }
    }
}
