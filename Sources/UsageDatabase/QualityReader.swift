// SPDX-License-Identifier: Apache-2.0

package import Usage

/// One state of a store, as questions about the quality of its data read it.
///
/// Not for several threads at once.
package protocol QualitySnapshot {
    /// The number of the newest transaction of this state, whose changes the memory knows then.
    func revision(_ memory: QualityMemory) throws -> Int64
    /// The largest number of a call.
    func lastCall() throws -> Int64
    /// The smallest number of a call from a number on; nil when there is none.
    func nextCall(from number: Int64) throws -> Int64?
    /// Calls `body` with the packed sums of each block that has valid ones.
    func forEachPackedBlock(_ body: (_ block: Int64, UnsafeRawBufferPointer) throws -> Void) throws
    /// Calls `body` with the rows of owners that packed sums name.
    func forEachOwner(_ body: (_ row: Int64, QualityOwner) throws -> Void) throws
    /// Calls `body` with every model.
    func forEachModel(after row: Int64, _ body: (_ row: Int64, _ name: String) throws -> Void) throws
    /// The calls of a range of numbers, those out of every answer left out.
    func calls(_ numbers: ClosedRange<Int64>) throws -> [QualityCall]
    /// Who runs some sessions; those that are missing have none.
    func owners(of sessions: Set<Int64>) throws -> [Int64: QualityOwner]
    /// Calls `body` with what agents report of whole sessions, as ``SessionUpdate/comparableCost`` allows, and the sums of their calls.
    func forEachComparedSession(
        of period: Period,
        _ body: (_ id: String, _ reported: Money, _ counted: Money) throws -> Void
    ) throws
    /// The error for what a row names and what is missing.
    func damage(_ message: String) -> any Error
}

extension QualitySnapshot {
    /// Calls `body` with each block that has calls and is not one of these, in order.
    ///
    /// Numbers of calls may have gaps of any size, in a damaged database for example; nothing is done for what is not there.
    package func forEachBlock(upTo last: Int64, but packed: Set<Int64>, _ body: (Int64) throws -> Void) throws {
        var block: Int64 = 0
        while block <= last {
            if !packed.contains(block) {
                guard let call = try nextCall(from: QualityParts.calls(of: block).lowerBound) else { return }
                let next = QualityParts.block(of: call)
                guard next == block else {
                    block = next
                    continue
                }
                try body(block)
            }
            block += 1
        }
    }

    /// Adds up the calls of a block.
    ///
    /// - Parameter isMeant: Which of its calls.
    func block(_ block: Int64, _ isMeant: (QualityCall) -> Bool = { _ in true }) throws -> QualityBlock {
        let calls = try calls(QualityParts.calls(of: block)).filter(isMeant)
        let owners = try owners(of: Set(calls.map(\.session)))
        return try QualityBlock(calls) {
            owners[$0]
        } refused: {
            damage("session \($0.session) of calls in block \(block) is missing")
        }
    }

    /// The names of all models by their rows.
    func models() throws -> [Int64: String] {
        var models: [Int64: String] = [:]
        try forEachModel(after: 0) { models[$0] = $1 }
        return models
    }
}

/// Answers how well the calls of a period are known: from the packed sums of blocks, and from the calls of blocks that have none, because
/// they changed lately.
package struct QualityReader<Snapshot: QualitySnapshot> {
    private let snapshot: Snapshot
    private let period: Period
    private let memory: QualityMemory

    /// Creates a reader of one state of a store.
    package init(_ snapshot: Snapshot, _ period: Period, _ memory: QualityMemory) {
        (self.snapshot, self.period, self.memory) = (snapshot, period, memory)
    }

    /// Answers the question.
    package func run() throws -> DataQuality {
        let revision = try snapshot.revision(memory)
        var tally = QualityTally(period)
        var numbers = SparseTable<Int32>()
        try snapshot.forEachOwner { row, owner in
            if let row = Int32(exactly: row) { numbers[row] = tally.number(of: owner) }
        }
        let last = QualityParts.block(of: try snapshot.lastCall())
        var (packed, cut) = (Set<Int64>(), [Int64]())
        try snapshot.forEachPackedBlock { block, bytes in
            // A damaged one is read from its calls.
            guard block <= last, !packed.contains(block), let isCut = tally.add(packed: bytes, numbers) else { return }
            packed.insert(block)
            if isCut { cut.append(block) }
        }
        try snapshot.forEachBlock(upTo: last, but: packed) { block in
            if tally.add(try sums(of: block, at: revision)) { cut.append(block) }
        }
        for block in cut { try addCut(block, to: &tally) }
        let models = try snapshot.models()
        var quality = try tally.quality { row in
            guard let name = models[row] else { throw snapshot.damage("model \(row) of calls is missing") }
            return name
        }
        try snapshot.forEachComparedSession(of: period) { id, reported, counted in
            quality.sessionCosts.add(id, reported: reported, counted: counted)
        }
        return quality
    }

    private func sums(of block: Int64, at revision: Int64) throws -> QualityBlock {
        if let known = memory.sums(of: block, at: revision) { return known }
        let sums = try snapshot.block(block)
        memory.keep(sums, of: block, at: revision)
        return sums
    }

    /// Adds those calls of a block that lie in the quarters of an hour which the period cuts, and in the period.
    private func addCut(_ block: Int64, to tally: inout QualityTally) throws {
        let (times, cut) = (period.start.nanoseconds..<max(period.start, period.end).nanoseconds, tally.cut)
        tally.addAll(
            try snapshot.block(block) { times.contains($0.time) && cut.contains($0.time / QuarterHour.nanoseconds) }
        )
    }
}

/// Packs the sums of blocks of calls that have none, some at a time, so that the next question need not read the calls.
package struct QualityPacking<Snapshot: QualitySnapshot> {
    private let snapshot: Snapshot
    private var rows: [QualityOwner: Int64] = [:]

    /// How many blocks a step packs: some milliseconds of reading.
    package static var blocksOfStep: Int { 8 }
    /// How many owners are kept until ``mustBegin(owners:)``.
    private static var mostOwners: Int64 { 100_000 }

    /// Creates the packing of one state, in the transaction that writes.
    package init(_ snapshot: Snapshot) throws {
        self.snapshot = snapshot
        try snapshot.forEachOwner { rows[$1] = $0 }
    }

    /// Whether so many owners are kept that all packed sums are to be thrown away with them: most of those sessions may be gone.
    package static func mustBegin(owners: Int64) -> Bool { owners > mostOwners }

    /// Packs a block.
    ///
    /// - Parameter insert: Keeps an owner; returns its row.
    /// - Returns: nil for one that cannot be packed: questions read its calls.
    package mutating func pack(_ block: Int64, insert: (QualityOwner) throws -> Int64) throws -> [UInt8]? {
        let sums = try snapshot.block(block)
        var places: [Int64] = []
        for owner in sums.owners {
            let row = try rows[owner] ?? insert(owner)
            rows[owner] = row
            places.append(row)
        }
        return sums.packed(places)
    }
}
