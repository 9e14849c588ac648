// SPDX-License-Identifier: Apache-2.0

import Usage

/// Adds up the quality of a period from the sums of blocks of calls.
struct QualityTally {
    /// The quarters of an hour that lie in the period as a whole.
    let whole: Range<Int64>
    /// Those that the period cuts: their calls have to be looked at one by one.
    let cut: Set<Int64>
    private var quality = DataQuality()
    private var owners: [QualityOwner] = []
    private var ownerNumbers: [QualityOwner: Int32] = [:]
    /// For each owner the first of its uses; -1 for none.
    private var firstUses: [Int32] = []
    private var uses: [Use] = []
    private var costs: [CostKey: DataQuality.CostComparison] = [:]

    private struct Use {
        var sources: Int64
        var next: Int32
        var calls: Int64
        var lastSeen: Int64
    }

    private struct CostKey: Hashable { var model, reason: Int64 }

    init(_ period: Period) {
        let quarter = QuarterHour.nanoseconds
        let (start, end) = (max(0, period.start.nanoseconds), max(0, period.end.nanoseconds))
        let first = start / quarter + (start % quarter == 0 ? 0 : 1)
        whole = first..<max(first, end / quarter)
        var cut: Set<Int64> = []
        if start < end, start % quarter != 0 { cut.insert(start / quarter) }
        if start < end, end % quarter != 0 { cut.insert(end / quarter) }
        self.cut = cut
    }

    /// The number of an owner.
    mutating func number(of owner: QualityOwner) -> Int32 {
        if let known = ownerNumbers[owner] { return known }
        let number = Int32(clamping: owners.count)
        owners.append(owner)
        firstUses.append(-1)
        ownerNumbers[owner] = number
        return number
    }

    /// Adds the quarters of a block that lie in the period as a whole.
    ///
    /// - Returns: Whether it has calls in quarters that are cut.
    mutating func add(_ block: QualityBlock) -> Bool {
        let numbers = block.owners.map { number(of: $0) }
        var isCut = false
        for use in block.uses {
            if whole.contains(use.quarter) {
                add(use, by: numbers[Int(use.owner)])
            } else {
                noteCut(use.quarter, &isCut)
            }
        }
        for cost in block.costs where whole.contains(cost.quarter) { add(cost) }
        for each in block.rollUps {
            if whole.contains(each.quarter) { add(each) } else { noteCut(each.quarter, &isCut) }
        }
        return isCut
    }

    /// Adds everything of a block.
    mutating func addAll(_ block: QualityBlock) {
        let numbers = block.owners.map { number(of: $0) }
        for use in block.uses { add(use, by: numbers[Int(use.owner)]) }
        for cost in block.costs { add(cost) }
        for each in block.rollUps { add(each) }
    }

    /// Adds the quarters of a packed block that lie in the period as a whole.
    ///
    /// - Parameter numbers: The numbers of owners by their rows.
    /// - Returns: Whether it has calls in quarters that are cut; nil when the block is damaged, of which nothing is added.
    mutating func add(packed bytes: UnsafeRawBufferPointer, _ numbers: SparseTable<Int32>) -> Bool? {
        // Looked through before anything is added.
        let isWhole = QualityBlock.read(
            bytes,
            use: { numbers[Int32(truncatingIfNeeded: $0.owner)] != nil },
            cost: { CostAgreement(rawValue: $0.reason) != nil },
            rollUps: { _ in true }
        )
        guard isWhole else { return nil }
        var isCut = false
        _ = QualityBlock.read(
            bytes,
            use: { use in
                if whole.contains(use.quarter) {
                    if let owner = numbers[Int32(truncatingIfNeeded: use.owner)] { add(use, by: owner) }
                } else {
                    noteCut(use.quarter, &isCut)
                }
                return true
            },
            cost: { cost in
                if whole.contains(cost.quarter) { add(cost) }
                return true
            },
            rollUps: { each in
                if whole.contains(each.quarter) { add(each) } else { noteCut(each.quarter, &isCut) }
                return true
            }
        )
        return isCut
    }

    private func noteCut(_ quarter: Int64, _ isCut: inout Bool) {
        if !cut.isEmpty, cut.contains(quarter) { isCut = true }
    }

    private mutating func add(_ use: QualityBlock.Use, by owner: Int32) {
        quality.calls = quality.calls.saturatingAdding(use.calls)
        quality.severalWitnesses = quality.severalWitnesses.saturatingAdding(use.several)
        quality.weaklyJoined = quality.weaklyJoined.saturatingAdding(use.weak)
        quality.unpriced = quality.unpriced.saturatingAdding(use.unpriced)
        let lastSeen = use.quarter * QuarterHour.nanoseconds + use.lastSeen
        var place = firstUses[Int(owner)]
        while place >= 0, uses[Int(place)].sources != use.sources { place = uses[Int(place)].next }
        if place >= 0 {
            uses[Int(place)].calls = uses[Int(place)].calls.saturatingAdding(use.calls)
            uses[Int(place)].lastSeen = max(uses[Int(place)].lastSeen, lastSeen)
        } else {
            let new = Use(sources: use.sources, next: firstUses[Int(owner)], calls: use.calls, lastSeen: lastSeen)
            firstUses[Int(owner)] = Int32(clamping: uses.count)
            uses.append(new)
        }
    }

    private mutating func add(_ cost: QualityBlock.Cost) {
        let key = CostKey(model: cost.model, reason: cost.reason)
        var sum = costs[key] ?? DataQuality.CostComparison()
        sum.calls = sum.calls.saturatingAdding(cost.calls)
        sum.reported += Money(nanodollars: cost.reported)
        sum.computed += Money(nanodollars: cost.computed)
        costs[key] = sum
    }

    private mutating func add(_ rollUps: QualityBlock.RollUps) {
        quality.rollUps = quality.rollUps.saturatingAdding(rollUps.calls)
    }

    /// What was added up, names bounded, without the comparison of whole sessions.
    ///
    /// - Parameter model: The name of a model's row.
    /// - Throws: What `model` throws for one that is missing.
    func quality(model: (Int64) throws -> String) throws -> DataQuality {
        var quality = quality
        quality.oneWitness = quality.calls - quality.severalWitnesses
        for (number, owner) in owners.enumerated() {
            var place = firstUses[number]
            while place >= 0 {
                let use = uses[Int(place)]
                let key = DataQuality.SourceKey(
                    agent: owner.agent,
                    machine: owner.machine,
                    sources: Observation.Source.all(inBits: use.sources)
                )
                // Bits of kinds that are unknown are left out, so two may have one name.
                let known = quality.sources[key]
                quality.sources[key] = DataQuality.SourceUse(
                    calls: use.calls.saturatingAdding(known?.calls ?? 0),
                    lastSeen: max(Timestamp(nanoseconds: use.lastSeen), known?.lastSeen ?? Timestamp(nanoseconds: 0))
                )
                place = use.next
            }
        }
        for (key, sum) in costs {
            guard let reason = CostAgreement(rawValue: key.reason) else { continue }
            let name = DataQuality.CostKey(model: try model(key.model), reason: reason)
            quality.costs[name, default: DataQuality.CostComparison()].add(sum)
        }
        quality.boundNames()
        return quality
    }
}
