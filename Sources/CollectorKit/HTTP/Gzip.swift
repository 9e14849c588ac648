// SPDX-License-Identifier: Apache-2.0

import CZlib

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
    /// the one before it.
    public static func inflate(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        guard bytes.count <= UInt32.max else { throw .tooLarge }
        var stream = z_stream()
        // 15 bits of window; 16 more ask for the gzip format.
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .corrupt("no memory to inflate")
        }
        defer { inflateEnd(&stream) }
        var input = bytes
        var output: [UInt8] = []
        output.reserveCapacity(min(limit, bytes.count &* 6))
        let failure: Failure? = input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            return inflateMembers(&stream, into: &output, limit: limit)
        }
        if let failure { throw failure }
        return output
    }

    private static func inflateMembers(_ stream: inout z_stream, into output: inout [UInt8], limit: Int) -> Failure? {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { window in
            while true {
                stream.next_out = window.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(window.count)
                let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                let produced = window.count - Int(stream.avail_out)
                guard produced <= limit - output.count else { return .tooLarge }
                if output.count + produced > output.capacity {
                    // An array doubles by itself, beyond the limit too.
                    output.reserveCapacity(min(limit, max(2 * output.capacity, output.count + produced)))
                }
                output.append(contentsOf: window[..<produced])
                switch status {
                case Z_STREAM_END:
                    if stream.avail_in == 0 { return nil }
                    guard inflateReset(&stream) == Z_OK else { return .corrupt("gzip: damaged data") }
                case Z_OK where produced > 0 || stream.avail_in > 0: continue
                case Z_OK, Z_BUF_ERROR: return .corrupt("gzip: the body ends too early")
                default: return .corrupt(output.isEmpty ? "gzip: invalid header" : "gzip: damaged data")
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
