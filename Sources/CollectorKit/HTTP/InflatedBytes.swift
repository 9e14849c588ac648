// SPDX-License-Identifier: Apache-2.0

import OTLP

/// Why bytes could not be decompressed.
public enum InflationFailure: Error, Sendable, Equatable {
    /// They are not in the expected format, are damaged or are cut off.
    case corrupt(String)
    /// The result is longer than allowed.
    case tooLarge
}

/// The output of a decompressor: grows with the actual output, whatever size the input states, up to a limit.
///
/// Memory is reserved before the buffer grows: for one buffer of at most `limit`, and while it grows for the previous one, too.
struct InflatedBytes {
    /// The bytes so far.
    private(set) var bytes: [UInt8] = []
    private let limit: Int
    private let memory: (any MemoryAllowance)?
    /// The bytes that are reserved for the buffer.
    private var taken: Int

    /// The result of appending bytes.
    enum Outcome {
        case appended
        case tooLarge
        case outOfMemory
    }

    /// Reserves room for the usual output of an input of this length; nil when there is no memory for it now.
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
            // An array doubles its capacity by itself, even beyond the limit.
            let capacity = min(limit, max(2 * bytes.capacity, bytes.count + produced.count))
            if let memory, !memory.take(capacity) { return .outOfMemory }
            bytes.reserveCapacity(capacity)
            memory?.give(taken)
            taken = capacity
        }
        bytes.append(contentsOf: produced)
        return .appended
    }

    /// Releases the memory when the bytes are not needed.
    mutating func discard() {
        bytes = []
        memory?.give(taken)
        taken = 0
    }
}
