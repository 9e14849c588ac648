// SPDX-License-Identifier: Apache-2.0

/// A fact that can change, with the time it was reported: of two, the later one holds.
///
/// Taking the later one is commutative, associative and idempotent, so that tellings may come in any number and order.
public struct LastWrite<Value: Comparable & Hashable & Sendable>: Sendable, Hashable {
    /// The fact.
    public var value: Value
    /// When it was reported.
    public var time: Timestamp

    /// Creates a fact reported at an instant.
    public init(_ value: Value, at time: Timestamp) {
        self.value = value
        self.time = time
    }

    /// The later of two tellings; of two at one instant the larger value.
    public static func later(_ left: Self?, _ right: Self?) -> Self? {
        guard let left else { return right }
        guard let right else { return left }
        return (left.time, left.value) < (right.time, right.value) ? right : left
    }
}
