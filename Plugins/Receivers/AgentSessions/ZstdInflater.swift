// SPDX-License-Identifier: Apache-2.0

import CZstd

/// Inflates a stream of Zstandard frames piece by piece within bounded memory.
final class ZstdInflater {
    private let context: OpaquePointer?
    private let input: UnsafeMutableRawBufferPointer
    private var available = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
    /// Whether the stream ends between two frames.
    private var isAtFrameEnd = true

    /// The largest window that a frame may ask for, as a power of two; Codex writes windows of 2 MiB.
    private static let windowLog: Int32 = 25

    init() {
        context = ZSTD_createDCtx()
        input = .allocate(byteCount: ZSTD_DStreamInSize(), alignment: 16)
        if let context { _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog) }
    }

    deinit {
        ZSTD_freeDCtx(context)
        input.deallocate()
    }

    /// Fills a buffer with what comes next; 0 at the end.
    ///
    /// - Parameter more: Reads compressed bytes; 0 at the end.
    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        more: (UnsafeMutableRawBufferPointer) throws(FileStream.Failure) -> Int
    ) throws(FileStream.Failure) -> Int {
        guard let context else { throw FileStream.Failure("there is no memory to inflate it") }
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        while output.pos == 0 {
            if available.pos == available.size {
                available = ZSTD_inBuffer(src: input.baseAddress, size: try more(input), pos: 0)
                if available.size == 0 {
                    guard isAtFrameEnd else { throw FileStream.Failure("the compressed file ends too early") }
                    return 0
                }
            }
            let hint = ZSTD_decompressStream(context, &output, &available)
            guard ZSTD_isError(hint) == 0 else {
                throw FileStream.Failure("it cannot be inflated: \(String(cString: ZSTD_getErrorName(hint)))")
            }
            isAtFrameEnd = hint == 0
        }
        return output.pos
    }
}
