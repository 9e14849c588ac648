// SPDX-License-Identifier: Apache-2.0

public import Usage

/// What became of a batch that was taken.
public struct Delivery: Sendable {
    private let counts: [@Sendable () -> Int]

    /// Of a batch that no store has kept.
    public static let unkept = Delivery(counts: [])

    private init(counts: [@Sendable () -> Int]) {
        self.counts = counts
    }

    /// Of a batch of which a store kept nothing that is new to it.
    public static let known = Delivery { 0 }

    /// Of a batch that a store has kept.
    ///
    /// - Parameter newCalls: Works out how many of its calls the store did not know; called when somebody asks.
    public init(newCalls: @escaping @Sendable () -> Int) {
        counts = [newCalls]
    }

    /// Of the batches of a group that a store has kept together, one each.
    ///
    /// - Parameter change: What the ledger made of the observations of all of them.
    public static func each(of batches: [Batch], in change: LedgerChange) -> [Delivery] {
        batches.map { batch in
            let own = batches.count == 1 ? nil : batch.observations
            return Delivery { change.newCallCount(of: own) }
        }
    }

    /// Of a batch that went to several places.
    public init(_ deliveries: [Delivery]) {
        counts = deliveries.flatMap(\.counts)
    }

    /// The calls that were new, by the store that knew the fewest of them; nil where no store has kept the batch.
    ///
    /// Worked out when it is asked for: most senders do not.
    public var newCalls: Int? { counts.map { $0() }.max() }
}
