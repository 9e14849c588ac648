// SPDX-License-Identifier: Apache-2.0

import CZstd
public import OTLP

/// Decompresses and compresses bodies of the coding `zstd` (RFC 8878).
public enum Zstandard {
    /// The largest window that a sender may use, as a power of two: 8 MiB, the limit of RFC 9659 for the coding.
    private static let largestWindow: Int32 = 23

    /// The decompressed size stated at the start of a body; nil when it states none.
    public static func statedSize(of bytes: [UInt8]) -> Int? {
        let size = bytes.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        // The two largest numbers mean "not stated" and "no frame".
        return size < UInt64.max - 1 ? Int(clamping: size) : nil
    }

    /// The decompressed bytes of all frames, for which memory is reserved as the buffer grows; nil when there is not enough memory now.
    public static func inflate(_ bytes: [UInt8], limit: Int, memory: (any MemoryAllowance)? = nil)
        throws(InflationFailure) -> [UInt8]?
    {
        guard let context = ZSTD_createDCtx() else { throw .corrupt("no memory to inflate") }
        defer { ZSTD_freeDCtx(context) }
        guard ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, largestWindow)) == 0 else {
            throw .corrupt("no memory to inflate")
        }
        guard var output = InflatedBytes(inputLength: bytes.count, limit: limit, memory: memory) else { return nil }
        // The window is the library's own memory, and is held only during this call.
        var window = 0
        defer { memory?.give(window) }
        let outcome = bytes.withUnsafeBytes { inflate($0, context, into: &output, window: &window, memory) }
        if case .done = outcome { return output.bytes }
        output.discard()
        if case .failed(let failure) = outcome { throw failure }
        return nil
    }

    /// The result of decompressing.
    private enum Outcome {
        case done
        case outOfMemory
        case failed(InflationFailure)
    }

    private static func inflate(
        _ bytes: UnsafeRawBufferPointer,
        _ context: OpaquePointer,
        into output: inout InflatedBytes,
        window: inout Int,
        _ memory: (any MemoryAllowance)?
    ) -> Outcome {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { room in
            var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
            while true {
                var piece = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
                let before = input.pos
                let hint = ZSTD_decompressStream(context, &piece, &input)
                guard ZSTD_isError(hint) == 0 else {
                    return .failed(.corrupt("zstd: \(String(cString: ZSTD_getErrorName(hint)).lowercased())"))
                }
                let held = ZSTD_sizeof_DCtx(context)
                if let memory, held > window {
                    guard memory.take(held - window) else { return .outOfMemory }
                    window = held
                }
                switch output.append(room[..<piece.pos]) {
                case .appended: break
                case .tooLarge: return .failed(.tooLarge)
                case .outOfMemory: return .outOfMemory
                }
                if hint == 0, input.pos == input.size { return .done }
                // Nothing was read or written: the rest of the frame is missing.
                guard input.pos > before || piece.pos > 0 else {
                    return .failed(.corrupt("zstd: the body ends too early"))
                }
            }
        }
    }

    /// The bytes as one frame.
    ///
    /// - Parameter level: 1 is fastest, 19 smallest.
    public static func deflate(_ bytes: [UInt8], level: Int) throws(InflationFailure) -> [UInt8] {
        var isMade = false
        let bound = ZSTD_compressBound(bytes.count)
        let frame = [UInt8](unsafeUninitializedCapacity: bound) { room, count in
            let size = bytes.withUnsafeBytes {
                ZSTD_compress(room.baseAddress, room.count, $0.baseAddress, $0.count, Int32(clamping: level))
            }
            isMade = ZSTD_isError(size) == 0
            count = isMade ? size : 0
        }
        guard isMade else { throw .corrupt("the bytes cannot be compressed") }
        return frame
    }
}
