// SPDX-License-Identifier: Apache-2.0

/// A weak key and a stretch of time, in which sightings that resemble one another stand together.
///
/// Across the border of two stretches only what is very near belongs together, or what is alone there (``BorderZone``): otherwise a
/// program that makes the same call every few seconds would tie its whole life together, and each new call would cost as much as
/// all before it.
public struct ResemblanceCell: Sendable, Hashable {
    /// What the sightings have in common.
    public let weakKey: UInt64
    /// Which stretch since 1970.
    public let stretch: Int64

    /// How long a stretch is, in nanoseconds.
    public static let width: Int64 = 1_024_000_000_000

    /// How far apart in nanoseconds sightings on both sides of a border may be, whoever else is there.
    public static let reachAcross: Int64 = 2_000_000_000

    /// How far apart in nanoseconds sightings on both sides of a border may be if nobody else is near it.
    public static let clearReach: Int64 = 120_000_000_000

    /// How many sightings a cell can hold; more are a crowd, in which nobody can be told from another and nobody is paired.
    ///
    /// A sender that makes the same call over and over would otherwise cost the square of its calls.
    public static let capacity = 256

    /// The cell in which an observation stands; nil for one that resembles nothing.
    init?(of observation: borrowing Observation) {
        self.init(weakKey: observation.weakKey, time: observation.time)
    }

    init?(of sighting: LedgerTraits) {
        self.init(weakKey: sighting.weakKey, time: sighting.time)
    }

    private init?(weakKey: UInt64, time: Timestamp) {
        guard weakKey != 0 else { return nil }
        self.init(weakKey: weakKey, stretch: time.nanoseconds / Self.width)
    }

    private init(weakKey: UInt64, stretch: Int64) {
        self.weakKey = weakKey
        self.stretch = stretch
    }

    /// The border near which something stands, named by the cell behind it; nil if none is near.
    static func border(near sighting: LedgerTraits, within reach: Int64 = clearReach) -> ResemblanceCell? {
        guard let cell = ResemblanceCell(of: sighting) else { return nil }
        let offset = sighting.time.nanoseconds - cell.stretch * width
        if offset <= reach { return cell.stretch > 0 ? cell : nil }
        return width - offset <= reach ? cell.following : nil
    }

    /// The cell on the other side of the border near which something stands; nil if none is near.
    static func next(to sighting: LedgerTraits) -> ResemblanceCell? {
        guard let border = border(near: sighting) else { return nil }
        return border == ResemblanceCell(of: sighting) ? border.preceding : border
    }

    /// The cell before this one in time.
    var preceding: ResemblanceCell { ResemblanceCell(weakKey: weakKey, stretch: stretch - 1) }

    /// The cell after this one in time.
    private var following: ResemblanceCell { ResemblanceCell(weakKey: weakKey, stretch: stretch + 1) }

    /// The cell as a link that leads nowhere (``LedgerLink/cell``).
    public var link: LedgerLink {
        let (high, low) = (weakKey ^ 0x5EED_0001_0000_0000).multipliedFullWidth(
            by: UInt64(bitPattern: stretch) &* 2 &+ 0x9E37_79B9_7F4A_7C15
        )
        return LedgerLink(rawValue: (high ^ low) & ~15)
    }

    /// The links under which sightings of the cell stand, one for each set of kinds of ids.
    public var links: [LedgerLink] { (UInt8(0)..<8).map { .cell(self, kinds: $0) } }

    /// Which sets of kinds of ids make resemblance matter for a sighting that knows these, a bit for each of the eight.
    ///
    /// As long as all sightings of a cell know the same ids, none can be paired and it does not matter how many they are.
    static func rivals(ofKinds kinds: UInt8) -> UInt8 { kinds == 0 ? 0xFF : ~(1 << kinds) }
}
