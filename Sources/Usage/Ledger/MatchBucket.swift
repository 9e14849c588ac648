// SPDX-License-Identifier: Apache-2.0

/// A blocking key and a span of time: observations that resemble one another are in one bucket.
///
/// Across the border of two stretches only what is very near belongs together, or what is alone there (``BucketBoundary``): otherwise a
/// program that makes the same call every few seconds would tie its whole life together, and each new call would cost as much as
/// all before it.
public struct MatchBucket: Sendable, Hashable {
    /// What the observations have in common.
    public let blockingKey: UInt64
    /// Which stretch since 1970.
    public let stretch: Int64

    /// How long a stretch is, in nanoseconds.
    public static let width: Int64 = 1_024_000_000_000

    /// How far apart in nanoseconds observations on both sides of a border may be, whatever else is there.
    public static let reachAcross: Int64 = 2_000_000_000

    /// How far apart in nanoseconds observations on both sides of a border may be if nothing else is near it.
    public static let clearReach: Int64 = 120_000_000_000

    /// How many observations a cell can hold; more make it overfull: none can be distinguished from another, and none is paired.
    ///
    /// A sender that makes the same call over and over would otherwise cost the square of its calls.
    public static let capacity = 256

    init?(key: UInt64, time: Timestamp) {
        guard key != 0 else { return nil }
        self.init(blockingKey: key, stretch: time.nanoseconds / Self.width)
    }

    private init(blockingKey: UInt64, stretch: Int64) {
        self.blockingKey = blockingKey
        self.stretch = stretch
    }

    /// The border near which an instant of this cell lies, named by the cell behind it; nil if none is near.
    func border(near time: Timestamp, within reach: Int64 = clearReach) -> MatchBucket? {
        let offset = time.nanoseconds - stretch * Self.width
        if offset <= reach { return stretch > 0 ? self : nil }
        return Self.width - offset <= reach ? following : nil
    }

    /// The cell on the other side of the border near which an instant of this cell lies; nil if none is near.
    func neighbour(at time: Timestamp) -> MatchBucket? {
        guard let border = border(near: time) else { return nil }
        return border == self ? border.preceding : border
    }

    /// The cell before this one in time.
    var preceding: MatchBucket { MatchBucket(blockingKey: blockingKey, stretch: stretch - 1) }

    /// The cell after this one in time.
    private var following: MatchBucket { MatchBucket(blockingKey: blockingKey, stretch: stretch + 1) }

    /// The cell as a link that leads nowhere (``LedgerLink/cell``).
    public var link: LedgerLink {
        let (high, low) = (blockingKey ^ 0x5EED_0001_0000_0000).multipliedFullWidth(
            by: UInt64(bitPattern: stretch) &* 2 &+ 0x9E37_79B9_7F4A_7C15
        )
        return LedgerLink(rawValue: (high ^ low) & ~15)
    }

    /// The links that observations of the cell have, one for each set of kinds of ids.
    public var links: [LedgerLink] { (UInt8(0)..<8).map { .cell(self, kinds: $0) } }

    /// Which sets of kinds of ids make resemblance matter for an observation that knows these, a bit for each of the eight.
    ///
    /// As long as all observations of a cell know the same ids, none can be paired and it does not matter how many they are.
    static func rivals(ofKinds kinds: UInt8) -> UInt8 { kinds == 0 ? 0xFF : ~(1 << kinds) }
}
