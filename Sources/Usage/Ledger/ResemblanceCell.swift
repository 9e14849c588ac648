// SPDX-License-Identifier: Apache-2.0

/// A weak key and a stretch of time: sightings that resemble one another stand in one cell or in two that touch.
public struct ResemblanceCell: Sendable, Hashable {
    /// What the sightings have in common.
    public let weakKey: UInt64
    /// Which stretch since 1970.
    public let stretch: Int64

    /// How long a stretch is, in nanoseconds; no sighting looks farther for its like.
    public static let width: Int64 = 1_024_000_000_000

    /// How many sightings a cell can hold; more are a crowd, in which nobody can be told from another and nobody is paired.
    ///
    /// A sender that makes the same call over and over would otherwise cost the square of its calls.
    public static let capacity = 256

    /// The cell in which an observation stands; nil for one that resembles nothing.
    init?(of observation: Observation) {
        guard observation.weakKey != 0 else { return nil }
        self.init(weakKey: observation.weakKey, stretch: observation.time.nanoseconds / Self.width)
    }

    private init(weakKey: UInt64, stretch: Int64) {
        self.weakKey = weakKey
        self.stretch = stretch
    }

    /// The cells in which what resembles an observation can stand.
    static func reached(by observation: Observation) -> [ResemblanceCell] {
        guard observation.weakKey != 0 else { return [] }
        let (time, reach) = (observation.time.nanoseconds, Ledger.window(observation))
        let last = time.addingReportingOverflow(reach)
        return (max(0, time - reach) / width...(last.overflow ? .max : last.partialValue) / width).map {
            ResemblanceCell(weakKey: observation.weakKey, stretch: $0)
        }
    }
}
