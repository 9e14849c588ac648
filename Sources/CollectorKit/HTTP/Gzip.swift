// SPDX-License-Identifier: Apache-2.0

import CZlib
public import OTLP

/// Decompresses gzip (RFC 1952) and zlib (RFC 1950) bodies up to a limit, and compresses gzip bodies.
public enum Gzip {
    /// Why bytes could not be decompressed.
    public typealias Failure = InflationFailure

    /// The format around the compressed bytes.
    public enum Form: Sendable {
        /// RFC 1952: any number of members.
        case gzip
        /// RFC 1950: one stream.
        case zlib

        /// The library's parameter: 15 bits of window; 16 more select the gzip format.
        fileprivate var windowBits: Int32 { self == .gzip ? 15 + 16 : 15 }

        /// The name of its coding.
        fileprivate var name: String { self == .gzip ? "gzip" : "deflate" }
    }

    /// The decompressed bytes, of all members if there are several.
    public static func inflate(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        try inflate(bytes, limit: limit, memory: nil) ?? []
    }

    /// The decompressed size stated at the end of a body: correct when it has one member and an honest sender.
    public static func statedSize(of bytes: [UInt8]) -> Int {
        bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// The decompressed bytes, for which memory is reserved as the buffer grows; nil when there is not enough memory now.
    public static func inflate(
        _ bytes: [UInt8],
        form: Form = .gzip,
        limit: Int,
        memory: (any MemoryAllowance)?
    ) throws(Failure) -> [UInt8]? {
        guard bytes.count <= UInt32.max else { throw .tooLarge }
        var stream = z_stream()
        let status = inflateInit2_(&stream, form.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw .corrupt("no memory to inflate") }
        defer { inflateEnd(&stream) }
        guard var output = InflatedBytes(inputLength: bytes.count, limit: limit, memory: memory) else { return nil }
        let outcome: Outcome = bytes.withUnsafeBufferPointer { input in
            // zlib only reads its input, although the pointer is mutable.
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            return inflateMembers(&stream, form, into: &output)
        }
        if case .done = outcome { return output.bytes }
        output.discard()
        if case .failed(let failure) = outcome { throw failure }
        return nil
    }

    /// The result of decompressing.
    private enum Outcome {
        case done
        case outOfMemory
        case failed(Failure)
    }

    private static func inflateMembers(_ stream: inout z_stream, _ form: Form, into output: inout InflatedBytes)
        -> Outcome
    {
        func corrupt(_ reason: String) -> Outcome { .failed(.corrupt("\(form.name): \(reason)")) }
        return withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { window in
            while true {
                stream.next_out = window.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(window.count)
                let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                let produced = window.count - Int(stream.avail_out)
                switch output.append(window[..<produced]) {
                case .appended: break
                case .tooLarge: return .failed(.tooLarge)
                case .outOfMemory: return .outOfMemory
                }
                switch status {
                case Z_STREAM_END:
                    if stream.avail_in == 0 { return .done }
                    guard form == .gzip else { return corrupt("there are bytes after the end") }
                    guard inflateReset(&stream) == Z_OK else { return corrupt("damaged data") }
                case Z_OK where produced > 0 || stream.avail_in > 0: continue
                case Z_OK, Z_BUF_ERROR: return corrupt("the body ends too early")
                default: return corrupt(output.bytes.isEmpty ? "invalid header" : "damaged data")
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
