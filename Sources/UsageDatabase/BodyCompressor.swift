// SPDX-License-Identifier: Apache-2.0

import CZstd

/// Makes the bodies of batches small before they are written: records repeat the same keys and values over and over.
///
/// Zstandard takes a fifth of the time that it takes to write the bytes it saves, first to the log and then to their place.
package final class BodyCompressor {
    private let context = ZSTD_createCCtx()
    private var room = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// The fastest of the usual levels.
    private static let level: Int32 = 1
    /// Smaller bodies share a page with others as they are.
    private static let smallest = 1_024

    /// No body is larger; what says so is damaged.
    private static let largest: Int64 = 2 << 30

    /// Creates a compressor; the memory that it needs is kept until it goes.
    package init() {}

    deinit {
        ZSTD_freeCCtx(context)
        room.deallocate()
    }

    /// Hands over the body as it is to be stored: compressed if that makes it smaller.
    package func withCompressed<Result>(_ body: [UInt8], _ use: (UnsafeRawBufferPointer) throws -> Result) rethrows
        -> Result
    {
        try body.withUnsafeBytes { body in
            guard let context, body.count >= Self.smallest else { return try use(body) }
            if room.count < body.count {
                room.deallocate()
                room = .allocate(byteCount: body.count, alignment: 16)
            }
            // What does not become smaller does not fit.
            let size = ZSTD_compressCCtx(
                context,
                room.baseAddress,
                body.count - 1,
                body.baseAddress,
                body.count,
                Self.level
            )
            return try use(ZSTD_isError(size) == 0 ? UnsafeRawBufferPointer(rebasing: room[..<size]) : body)
        }
    }

    /// Gives back what was stored; nil when it is damaged.
    ///
    /// - Parameter size: The size of the body; if so many bytes were stored, they are not compressed.
    package static func inflated(_ stored: [UInt8], to size: Int64) -> [UInt8]? {
        guard size != stored.count else { return stored }
        let told = stored.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        guard size > stored.count, size <= largest, told == UInt64(size) else { return nil }
        let body = [UInt8](unsafeUninitializedCapacity: Int(size)) { room, count in
            let written = stored.withUnsafeBytes {
                ZSTD_decompress(room.baseAddress, room.count, $0.baseAddress, $0.count)
            }
            count = ZSTD_isError(written) == 0 ? written : 0
        }
        return body.count == size ? body : nil
    }
}
