// SPDX-License-Identifier: Apache-2.0

/// The memory that one request may use.
///
/// What was reserved and not released is released when the request has been answered. Safe to use from any thread.
public protocol MemoryAllowance: Sendable {
    /// Reserves more bytes; false, without any effect, when there are not enough left.
    func take(_ bytes: Int) -> Bool
    /// Whether the refused bytes would not have fitted even if nothing else were held, so that a retry is useless.
    var isBeyondLimit: Bool { get }
    /// Releases reserved bytes.
    func give(_ bytes: Int)
}

/// The limits for reading one request.
///
/// A body of a few kilobytes can need an index of gigabytes: an empty record takes 2 bytes on the wire and 104 in the index.
public struct ReadingLimits: Sendable {
    /// How many records a request may have.
    public var records: Int
    /// The allowance for memory that the length of the request does not show; nil for no limit.
    public var memory: (any MemoryAllowance)?

    /// Creates limits; without arguments nothing is limited.
    public init(records: Int = .max, memory: (any MemoryAllowance)? = nil) {
        self.records = records
        self.memory = memory
    }
}

/// Reserves memory while a request is read, before the arrays that need it grow.
struct ReadingMemory: Sendable {
    private let allowance: (any MemoryAllowance)?

    init(_ allowance: (any MemoryAllowance)?) {
        self.allowance = allowance
    }

    /// Reserves bytes.
    ///
    /// - Throws: ``ParseFailure`` when there is no room for them.
    @inline(never)
    func take(_ bytes: Int) throws(ParseFailure) {
        if let allowance, !allowance.take(bytes) {
            throw ParseFailure(offset: 0, reason: "there is no memory left for the request", kind: .outOfMemory)
        }
    }

    func give(_ bytes: Int) { allowance?.give(bytes) }

    /// Reserves room for one more element.
    @inline(__always)
    func makeRoom<Element>(in array: inout [Element], for cost: Int) throws(ParseFailure) {
        if array.count == array.capacity { try grow(&array, to: max(16, 2 * array.count), cost) }
    }

    /// Reserves room for more elements; the old array is held until it has been copied.
    ///
    /// - Parameter cost: The bytes of an element, here and in what is created from it later.
    @inline(never)
    func grow<Element>(_ array: inout [Element], to count: Int, _ cost: Int) throws(ParseFailure) {
        let held = array.capacity * cost
        try take(count * cost)
        array.reserveCapacity(count)
        // Allocators may round up.
        let more = array.capacity * cost - count * cost
        if more > 0 { try take(more) }
        give(held)
    }
}
