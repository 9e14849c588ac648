// SPDX-License-Identifier: Apache-2.0

import OTLP

/// Why bytes could not be inflated.
public enum InflationFailure: Error, Sendable, Equatable {
    /// They have not the form that they should have, are damaged or are cut off.
    case corrupt(String)
    /// What comes out is longer than allowed.
    case tooLarge
}

/// What an inflater has produced so far: grows with what really comes out, whatever the input claims, and never beyond a bound.
///
/// Memory is taken from an allowance before the buffer grows: one buffer of at most `limit`, and while it grows the one before it.
struct InflatedBytes {
    /// The bytes so far.
    private(set) var bytes: [UInt8] = []
    private let limit: Int
    private let memory: (any MemoryAllowance)?
    /// What was taken from the allowance for the buffer.
    private var taken: Int

    /// What became of bytes that were appended.
    enum Outcome {
        case appended
        case tooLarge
        case outOfMemory
    }

    /// Makes room for what usual input of a length inflates to; nil when there is no memory for it now.
    init?(inputLength: Int, limit: Int, memory: (any MemoryAllowance)?) {
        let expected = min(limit, inputLength &* 6)
        if let memory, !memory.take(expected) { return nil }
        (self.limit, self.memory, taken) = (limit, memory, expected)
        bytes.reserveCapacity(expected)
    }

    /// Appends bytes within the bounds.
    mutating func append(_ produced: UnsafeMutableRawBufferPointer.SubSequence) -> Outcome {
        guard produced.count <= limit - bytes.count else { return .tooLarge }
        if bytes.count + produced.count > bytes.capacity {
            // An array doubles by itself, beyond the limit too.
            let capacity = min(limit, max(2 * bytes.capacity, bytes.count + produced.count))
            if let memory, !memory.take(capacity) { return .outOfMemory }
            bytes.reserveCapacity(capacity)
            memory?.give(taken)
            taken = capacity
        }
        bytes.append(contentsOf: produced)
        return .appended
    }

    /// Gives the memory back when the bytes are not wanted.
    mutating func discard() {
        bytes = []
        memory?.give(taken)
        taken = 0
    }
}
