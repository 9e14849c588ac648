// SPDX-License-Identifier: Apache-2.0

/// The memory that one request may hold.
///
/// What was taken and not given back is released when the request has been answered and forgotten. Safe to use from any thread.
public protocol MemoryAllowance: Sendable {
    /// Takes more bytes; false when there are not so many left, and nothing is taken then.
    func take(_ bytes: Int) -> Bool
    /// Whether what was refused would not have fitted either with nothing else held, so that to try again is of no use.
    var isBeyondLimit: Bool { get }
    /// Gives back bytes that were taken and are no longer held.
    func give(_ bytes: Int)
}

/// What bounds the reading of one request.
///
/// A body of a few kilobytes can unfold to an index of gigabytes: an empty record takes 2 bytes on the wire and 104 in the index.
public struct ReadingLimits: Sendable {
    /// How many records a request may have.
    public var records: Int
    /// What is asked before memory is used that the length of the request does not tell; nil for no bound.
    public var memory: (any MemoryAllowance)?

    /// Creates limits; without arguments there are none.
    public init(records: Int = .max, memory: (any MemoryAllowance)? = nil) {
        self.records = records
        self.memory = memory
    }
}

/// Takes memory while a request is read, before the arrays that need it grow.
struct ReadingMemory: Sendable {
    private let allowance: (any MemoryAllowance)?

    init(_ allowance: (any MemoryAllowance)?) {
        self.allowance = allowance
    }

    /// Takes bytes.
    ///
    /// - Throws: ``ParseFailure`` when there is no room for them.
    @inline(never)
    func take(_ bytes: Int) throws(ParseFailure) {
        if let allowance, !allowance.take(bytes) {
            throw ParseFailure(offset: 0, reason: "there is no memory left for the request", kind: .outOfMemory)
        }
    }

    func give(_ bytes: Int) { allowance?.give(bytes) }

    /// Makes room for one more element.
    @inline(__always)
    func makeRoom<Element>(in array: inout [Element], for cost: Int) throws(ParseFailure) {
        if array.count == array.capacity { try grow(&array, to: max(16, 2 * array.count), cost) }
    }

    /// Makes room for so many elements; the array that is copied from is held until the copy is complete.
    ///
    /// - Parameter cost: The bytes that an element costs, here and in what is made of it later.
    @inline(never)
    func grow<Element>(_ array: inout [Element], to count: Int, _ cost: Int) throws(ParseFailure) {
        let held = array.capacity * cost
        try take(count * cost)
        array.reserveCapacity(count)
        // Allocators round up.
        let more = array.capacity * cost - count * cost
        if more > 0 { try take(more) }
        give(held)
    }
}
