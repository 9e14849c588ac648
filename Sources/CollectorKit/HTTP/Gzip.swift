// SPDX-License-Identifier: Apache-2.0

import CZlib
public import OTLP

/// Inflates gzip bodies (RFC 1952) with a bound on what comes out.
public enum Gzip {
    /// Why bytes could not be inflated.
    public enum Failure: Error, Sendable, Equatable {
        /// They are not gzip, are damaged or are cut off.
        case corrupt(String)
        /// What comes out is longer than allowed.
        case tooLarge
    }

    /// The inflated bytes, of all members if there are several.
    ///
    /// Memory follows what really comes out, whatever the input claims: one buffer of at most `limit`, and while it grows
    /// the one before it, for which memory is taken, too.
    public static func inflate(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        try inflate(bytes, limit: limit, memory: nil) ?? []
    }

    /// How many bytes come out, as the end of a body says it: right where there is one member, and its sender is honest.
    public static func statedSize(of bytes: [UInt8]) -> Int {
        bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// The inflated bytes, for which memory is taken as the buffer grows; nil when there is none left now.
    public static func inflate(_ bytes: [UInt8], limit: Int, memory: (any MemoryAllowance)?) throws(Failure)
        -> [UInt8]?
    {
        guard bytes.count <= UInt32.max else { throw .tooLarge }
        var stream = z_stream()
        // 15 bits of window; 16 more ask for the gzip format.
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .corrupt("no memory to inflate")
        }
        defer { inflateEnd(&stream) }
        let expected = min(limit, bytes.count &* 6)
        if let memory, !memory.take(expected) { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(expected)
        let outcome: Outcome = bytes.withUnsafeBufferPointer { input in
            // zlib reads what it is given as input, and does not write there.
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            return inflateMembers(&stream, into: &output, limit: limit, memory)
        }
        switch outcome {
        case .done: return output
        case .outOfMemory: return nil
        case .failed(let failure): throw failure
        }
    }

    /// How inflating ended.
    private enum Outcome {
        case done
        case outOfMemory
        case failed(Failure)
    }

    private static func inflateMembers(
        _ stream: inout z_stream,
        into output: inout [UInt8],
        limit: Int,
        _ memory: (any MemoryAllowance)?
    ) -> Outcome {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { window in
            while true {
                stream.next_out = window.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(window.count)
                let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                let produced = window.count - Int(stream.avail_out)
                guard produced <= limit - output.count else { return .failed(.tooLarge) }
                if output.count + produced > output.capacity {
                    // An array doubles by itself, beyond the limit too.
                    let capacity = min(limit, max(2 * output.capacity, output.count + produced))
                    let held = output.capacity
                    if let memory, !memory.take(capacity) { return .outOfMemory }
                    output.reserveCapacity(capacity)
                    memory?.give(held)
                }
                output.append(contentsOf: window[..<produced])
                switch status {
                case Z_STREAM_END:
                    if stream.avail_in == 0 { return .done }
                    guard inflateReset(&stream) == Z_OK else { return .failed(.corrupt("gzip: damaged data")) }
                case Z_OK where produced > 0 || stream.avail_in > 0: continue
                case Z_OK, Z_BUF_ERROR: return .failed(.corrupt("gzip: the body ends too early"))
                default: return .failed(.corrupt(output.isEmpty ? "gzip: invalid header" : "gzip: damaged data"))
                }
            }
        }
    }
}

extension Gzip {
    /// The bytes as one gzip member.
    ///
    /// - Parameter level: 1 is fastest, 9 smallest; anything else is zlib's default.
    public static func deflate(_ bytes: [UInt8], level: Int) throws(Failure) -> [UInt8] {
        guard bytes.count <= UInt32.max / 2 else { throw .tooLarge }
        var stream = z_stream()
        let status = deflateInit2_(
            &stream,
            (1...9).contains(level) ? Int32(level) : Z_DEFAULT_COMPRESSION,
            Z_DEFLATED,
            15 + 16,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard status == Z_OK else { throw .corrupt("no memory to deflate") }
        defer { deflateEnd(&stream) }
        var input = bytes
        var isFinished = false
        let bound = Int(deflateBound(&stream, UInt(bytes.count)))
        let output = [UInt8](unsafeUninitializedCapacity: bound) { output, filled in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(clamping: output.count)
                isFinished = CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END
                filled = output.count - Int(stream.avail_out)
            }
        }
        guard isFinished else { throw .corrupt("the bytes cannot be deflated") }
        return output
    }
}
