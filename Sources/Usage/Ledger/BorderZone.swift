// SPDX-License-Identifier: Apache-2.0

/// Who stands near a border of two cells, before and after a change.
///
/// As long as no witness was there twice, what is there is the witnesses of one call, and they are joined across the border as they
/// would be elsewhere. Whoever makes such a call again and again is there several times, so no chain of pairs leads across.
struct BorderZone {
    /// All who stand there, before or after.
    private(set) var members: Set<UInt64> = []
    private var before = Presence()
    private var after = Presence()

    private struct Presence {
        var witnesses: Set<UInt64> = []
        var isClear = true

        mutating func note(_ witness: UInt64) {
            if !witnesses.insert(witness).inserted { isClear = false }
        }
    }

    /// Whether no witness is there twice once the change is made.
    var isClear: Bool { after.isClear }

    /// Whether pairs across the border that were possible no longer are, or the other way round.
    var turns: Bool { before.isClear != after.isClear }

    /// Whether nothing that stands there, too, can make a difference.
    var isCrowded: Bool { !before.isClear && !after.isClear }

    /// Takes in an observation as it was and as it will be, if it stands at the border.
    mutating func note(_ id: UInt64, _ former: Observation?, _ next: Observation?, at border: ResemblanceCell) {
        guard !members.contains(id) else { return }
        if let former, Self.isNear(former, border) {
            members.insert(id)
            before.note(former.witness)
        }
        if let next, Self.isNear(next, border) {
            members.insert(id)
            after.note(next.witness)
        }
    }

    private static func isNear(_ observation: Observation, _ border: ResemblanceCell) -> Bool {
        ResemblanceRule.allCases.contains { $0.cell(of: observation)?.border(near: observation.time) == border }
    }
}
