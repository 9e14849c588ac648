// SPDX-License-Identifier: Apache-2.0

import CZstd
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A session file that is open for reading, its contents inflated where it is compressed.
final class FileStream {
    private let descriptor: Int32
    private var inflater: ZstdInflater?
    /// What the file was when it was opened.
    let identity: FileIdentity
    /// The hash of the first bytes; nil when reading did not begin with them, or the file is compressed.
    private(set) var beginning: FileHead?
    private var isAtBeginning = true

    /// Why a file cannot be read.
    struct Failure: Error {
        let message: String

        init(_ message: String) {
            self.message = message
        }

        static var system: Failure { Failure(String(cString: strerror(errno))) }
    }

    /// Opens a file; never waits for one that is no plain file.
    convenience init(_ file: FoundFile) throws(Failure) {
        try self.init(path: file.path, isCompressed: file.isCompressed)
    }

    /// Opens a file at a path.
    init(path: String, isCompressed: Bool = false) throws(Failure) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .system }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Failure("it is no plain file")
        }
        identity = FileIdentity(status)
        inflater = isCompressed ? ZstdInflater() : nil
    }

    deinit { close(descriptor) }

    /// Goes to a place in a file that is not compressed.
    func seek(to offset: Int64) throws(Failure) {
        guard lseek(descriptor, off_t(offset), SEEK_SET) == off_t(offset) else { throw .system }
        isAtBeginning = false
    }

    /// Reads what comes next; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        guard let inflater else {
            let count = try readBytes(into: buffer)
            if isAtBeginning {
                beginning = FileHead(UnsafeRawBufferPointer(rebasing: buffer[..<min(count, FileHead.longest)]))
                isAtBeginning = false
            }
            return count
        }
        return try inflater.read(into: buffer) { target throws(Failure) in try self.readBytes(into: target) }
    }

    private func readBytes(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        while true {
            let count = systemRead(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw .system }
        }
    }

    /// The hash of the first bytes, at most `length` of them.
    func head(length: Int) -> FileHead {
        var bytes = [UInt8](repeating: 0, count: min(max(0, length), FileHead.longest))
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        return bytes.withUnsafeBytes { FileHead(UnsafeRawBufferPointer(rebasing: $0[..<max(0, count)])) }
    }

    /// Whether the byte before an offset ends a line.
    func endsLine(at offset: Int64) -> Bool {
        var byte: UInt8 = 0
        return offset == 0 || (pread(descriptor, &byte, 1, off_t(offset - 1)) == 1 && byte == 10)
    }
}

extension FileHead {
    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        self.init()
        guard !bytes.isEmpty else { return }
        var hash = StableHash(domain: "file-head")
        hash.combine(bytes: bytes.bytes)
        (length, self.hash) = (Int32(bytes.count), hash.value)
    }
}

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

/// A method of the same name hides the system's `read`.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
