// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import Usage

/// Where stores note how many calls of a batch they did not know; whoever handed the batch on looks once it is taken.
///
/// May be used from many tasks at once.
public final class CallReceipt: Sendable {
    private let largest = Mutex<Int?>(nil)

    /// Creates a receipt on which nobody has noted anything.
    public init() {}

    /// The calls that were new, by the store that knew the fewest of them; nil as long as no store has kept the batch.
    public var newCalls: Int? { largest.withLock { $0 } }

    /// Notes how many calls were new to a store, or that nothing is left of the batch for one.
    public func note(_ calls: Int) { largest.withLock { $0 = max($0 ?? 0, calls) } }
}

/// How many calls were new to a store, for each batch of a group that wants to know it.
public struct NewCalls: Sendable {
    private var counts: [Entry] = []

    private struct Entry {
        var receipt: CallReceipt
        var calls: Int
    }

    /// Counts the calls that a change adds for each batch with a receipt.
    ///
    /// - Parameters:
    ///   - change: What the ledger made of the observations of all batches together.
    ///   - batches: The group.
    public init(in change: LedgerChange, of batches: [Batch]) {
        for batch in batches {
            guard let receipt = batch.receipt else { continue }
            let own = batches.count == 1 ? nil : batch.observations
            counts.append(Entry(receipt: receipt, calls: change.newCallCount(of: own)))
        }
    }

    /// Notes them on the receipts; to be called when the batches are on the disk.
    public func note() {
        for entry in counts { entry.receipt.note(entry.calls) }
    }
}
