// SPDX-License-Identifier: Apache-2.0

public import Usage

/// The result of a batch that was taken.
public struct Delivery: Sendable {
    private let counts: [@Sendable () -> Int]

    /// The delivery of a batch that no store has kept.
    public static let unkept = Delivery(counts: [])

    private init(counts: [@Sendable () -> Int]) {
        self.counts = counts
    }

    /// The delivery of a batch in which a store found nothing new.
    public static let known = Delivery { 0 }

    /// The delivery of a batch that a store has kept.
    ///
    /// - Parameter newCalls: Computes how many of its calls were new to the store; called on demand.
    public init(newCalls: @escaping @Sendable () -> Int) {
        counts = [newCalls]
    }

    /// The deliveries of batches that a store has kept as one group.
    ///
    /// - Parameter change: The ledger's change from the observations of all of them.
    public static func each(of batches: [Batch], in change: LedgerChange) -> [Delivery] {
        batches.map { batch in
            let own = batches.count == 1 ? nil : batch.observations
            return Delivery { change.newCallCount(of: own) }
        }
    }

    /// The delivery of a batch that went to several consumers.
    public init(_ deliveries: [Delivery]) {
        counts = deliveries.flatMap(\.counts)
    }

    /// The number of new calls, from the store that knew the fewest of them; nil when no store has kept the batch.
    ///
    /// Computed on demand: most senders do not need it.
    public var newCalls: Int? { counts.map { $0() }.max() }
}
