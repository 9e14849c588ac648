// SPDX-License-Identifier: Apache-2.0

import CZlib
public import OTLP

/// Inflates gzip (RFC 1952) and zlib (RFC 1950) bodies with a bound on what comes out, and makes gzip bodies.
public enum Gzip {
    /// Why bytes could not be inflated.
    public typealias Failure = InflationFailure

    /// What is around the compressed bytes.
    public enum Form: Sendable {
        /// RFC 1952: any number of members.
        case gzip
        /// RFC 1950: one stream.
        case zlib

        /// What the library calls it: 15 bits of window; 16 more ask for the gzip format.
        fileprivate var windowBits: Int32 { self == .gzip ? 15 + 16 : 15 }

        /// The name of its coding.
        fileprivate var name: String { self == .gzip ? "gzip" : "deflate" }
    }

    /// The inflated bytes, of all members if there are several.
    public static func inflate(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        try inflate(bytes, limit: limit, memory: nil) ?? []
    }

    /// How many bytes come out, as the end of a body says it: right where there is one member, and its sender is honest.
    public static func statedSize(of bytes: [UInt8]) -> Int {
        bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// The inflated bytes, for which memory is taken as the buffer grows; nil when there is none left now.
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
            // zlib reads what it is given as input, and does not write there.
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            return inflateMembers(&stream, form, into: &output)
        }
        if case .done = outcome { return output.bytes }
        output.discard()
        if case .failed(let failure) = outcome { throw failure }
        return nil
    }

    /// How inflating ended.
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
