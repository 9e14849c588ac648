// SPDX-License-Identifier: Apache-2.0

/// Which blocks of call numbers changed when.
///
/// A store numbers its calls one after the other and notes with each change which blocks it touched, so that what was read of the others before
/// is still true.
public struct QualityParts: Sendable {
    /// The newest change of each block.
    private var changed: [Int64: Int64] = [:]
    /// Any block may have changed in this revision, and nothing is known of those before it.
    private var first: Int64 = 0
    /// The newest revision whose changes are known; nil when changes may have been missed.
    public private(set) var latest: Int64?

    /// Distinguishes the memory from every other one.
    let opening = UInt64.random(in: .min ... .max)

    /// How many changed blocks are remembered.
    private static let mostBlocks = 65_536

    /// Creates a memory of nothing.
    public init() {}

    /// The block of a call's number.
    public static func block(of call: Int64) -> Int64 { call >> blockBits }

    /// The numbers of a block.
    public static func calls(of block: Int64) -> ClosedRange<Int64> {
        let first = block << blockBits
        return first...(first | ((1 << blockBits) - 1))
    }

    /// A block has 2,048 numbers: some milliseconds of reading.
    public static let blockBits: Int64 = 11

    /// Notes the blocks that a transaction changes; to be called before readers can see the change.
    ///
    /// - Parameter revision: The number of the transaction, one more than that of the last. After a gap, when another program has
    ///   written, everything is forgotten.
    public mutating func note(_ blocks: some Sequence<Int64>, in revision: Int64) {
        guard let latest, latest == revision &- 1, changed.count < Self.mostBlocks else {
            forget()
            (latest, first) = (revision, revision)
            return
        }
        self.latest = revision
        for block in blocks { changed[block] = revision }
    }

    /// Notes the blocks that the transactions since ``latest`` changed, each with its newest change.
    ///
    /// - Parameter revision: The number of the newest of them.
    public mutating func note(_ changes: [Int64: Int64], upTo revision: Int64) {
        guard latest != nil, changed.count + changes.count < Self.mostBlocks else {
            forget()
            (latest, first) = (revision, revision)
            return
        }
        latest = revision
        for (block, change) in changes { changed[block] = max(change, changed[block] ?? 0) }
    }

    /// Forgets everything: after a transaction that failed, whose number another one will have.
    public mutating func forget() {
        (changed, latest) = ([:], nil)
    }

    /// The blocks that changed after a revision, for a reader that knows the state which that revision left.
    ///
    /// - Parameter present: The state that is read now.
    /// - Returns: The blocks in order; nil when any may have changed.
    mutating func blocks(changedAfter revision: Int64, at present: Int64) -> [Int64]? {
        noteReading(at: present)
        guard revision >= first, revision <= present else { return nil }
        return changed.filter { $0.value > revision }.keys.sorted()
    }

    /// Whether a block is in a state as it was in an earlier one; false when that is not known.
    ///
    /// - Parameters:
    ///   - revision: The earlier state.
    ///   - present: The state that is read now.
    public mutating func isUnchanged(_ block: Int64, since revision: Int64, at present: Int64) -> Bool {
        noteReading(at: present)
        return revision >= first && revision <= present && (changed[block] ?? .min) <= revision
    }

    /// Forgets everything when another program has written.
    private mutating func noteReading(at revision: Int64) {
        guard latest.map({ revision > $0 }) ?? true else { return }
        forget()
        (latest, first) = (revision, revision)
    }
}
