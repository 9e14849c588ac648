// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes bytes to an open file descriptor whole, whatever it takes.
struct FileDescriptorWriter {
    let descriptor: Int32

    static let standardOutput = FileDescriptorWriter(descriptor: STDOUT_FILENO)

    /// How long to wait for a reader of a pipe that is full and does not block, in milliseconds.
    private static let timeout: Int32 = 5_000

    /// Writes all the bytes; may block until the reader has taken them.
    ///
    /// - Throws: ``WriteError`` when the reader has gone or the disk is full; some of the bytes may be written then.
    func write(_ bytes: [UInt8]) throws {
        let failure = withoutPipeSignal { bytes.withUnsafeBytes { writeAll($0) } }
        if let failure { throw WriteError(errorNumber: failure) }
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Int32? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            #if canImport(Glibc)
            let count = Glibc.write(descriptor, part.baseAddress, part.count)
            #elseif canImport(Musl)
            let count = Musl.write(descriptor, part.baseAddress, part.count)
            #else
            let count = Darwin.write(descriptor, part.baseAddress, part.count)
            #endif
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard waitForReader() else { return EAGAIN }
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }

    private func waitForReader() -> Bool {
        var descriptors = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
        return poll(&descriptors, 1, Self.timeout) != 0
    }

    /// Keeps a pipe without a reader from ending the process.
    ///
    /// SIGPIPE is raised in the thread that writes, so it is held back there and taken away again; the disposition of the whole
    /// process stays as it is.
    private func withoutPipeSignal(_ work: () -> Int32?) -> Int32? {
        var pipe = sigset_t()
        var former = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        var pending = sigset_t()
        sigpending(&pending)
        let wasPending = sigismember(&pending, SIGPIPE) == 1
        pthread_sigmask(SIG_BLOCK, &pipe, &former)
        defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
        let failure = work()
        if failure == EPIPE, !wasPending {
            var signal: Int32 = 0
            sigpending(&pending)
            if sigismember(&pending, SIGPIPE) == 1 { sigwait(&pipe, &signal) }
        }
        return failure
    }
}

/// Why bytes could not be written.
struct WriteError: Error, CustomStringConvertible {
    let errorNumber: Int32

    var description: String {
        switch errorNumber {
        case EPIPE: "the reader of the standard output has gone"
        case EAGAIN: "the reader of the standard output does not keep up"
        case ENOSPC: "the disk is full"
        default: "error \(errorNumber) of the system"
        }
    }
}
