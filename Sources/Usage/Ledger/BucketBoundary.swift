// SPDX-License-Identifier: Apache-2.0

/// Who stands near a border of two cells, before and after a change.
///
/// As long as no observation was there twice, what is there is the observations of one call, and they are joined across the border as they
/// would be elsewhere. Whoever makes such a call again and again is there several times, so no chain of pairs leads across.
struct BucketBoundary {
    /// All who stand there, before or after.
    private(set) var members: Set<UInt64> = []
    private var before = Presence()
    private var after = Presence()

    private struct Presence {
        var emitters: Set<UInt64> = []
        var isClear = true

        mutating func note(_ emitter: UInt64) {
            if !emitters.insert(emitter).inserted { isClear = false }
        }
    }

    /// Whether no emitter is there twice once the change is made.
    var isClear: Bool { after.isClear }

    /// Whether pairs across the border that were possible no longer are, or the other way round.
    var turns: Bool { before.isClear != after.isClear }

    /// Whether nothing that stands there, too, can make a difference.
    var isOverfull: Bool { !before.isClear && !after.isClear }

    /// Takes in an observation as it was and as it will be, if it stands at the border.
    mutating func note(_ id: UInt64, _ former: Observation?, _ next: Observation?, at border: MatchBucket) {
        guard !members.contains(id) else { return }
        if let former, Self.isNear(former, border) {
            members.insert(id)
            before.note(former.emitter)
        }
        if let next, Self.isNear(next, border) {
            members.insert(id)
            after.note(next.emitter)
        }
    }

    private static func isNear(_ observation: Observation, _ border: MatchBucket) -> Bool {
        ResemblanceRule.allCases.contains { $0.cell(of: observation)?.border(near: observation.time) == border }
    }
}
