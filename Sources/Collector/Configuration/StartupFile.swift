// SPDX-License-Identifier: Apache-2.0

import CollectorKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that is needed to start: a configuration, or a secret that one names.
///
/// Reading is bounded in size and time, because the path may be a device without an end or a pipe to which no program writes.
/// Other pipes are allowed: `--config <(…)` is one.
struct StartupFile {
    /// The most bytes that are read.
    static let largest = 1 << 20
    private static let blockSize = 65_536
    /// How many milliseconds reading may wait for a pipe; during a reload the reader is a running collector.
    private static let timeout: Int32 = 5_000

    let path: String

    /// Returns all bytes; throws ``StartError`` with the reason but without the path.
    func content() throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.problem(errno) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        while true {
            let block = try Self.block(descriptor)
            if block.isEmpty { return content }
            guard content.count + block.count <= Self.largest else {
                throw StartError(.inputOutput, "it is larger than 1 MiB")
            }
            content += block
        }
    }

    private static func block(_ descriptor: Int32) throws -> [UInt8] {
        while true {
            try wait(descriptor)
            var code: Int32 = 0
            let block = [UInt8](unsafeUninitializedCapacity: blockSize) { buffer, count in
                let read = read(descriptor, buffer.baseAddress, buffer.count)
                code = read < 0 ? errno : 0
                count = max(0, read)
            }
            if code == 0 { return block }
            // EINTR: a signal arrived while waiting for the pipe.
            if code != EINTR, code != EAGAIN { throw problem(code) }
        }
    }

    /// Waits until bytes can be read or the end is reached.
    private static func wait(_ descriptor: Int32) throws {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = poll(&watched, 1, timeout)
            if ready > 0 { return }
            if ready == 0 { throw StartError(.inputOutput, "no program writes to it") }
            if errno != EINTR { throw problem(errno) }
        }
    }

    private static func problem(_ code: Int32) -> StartError {
        switch code {
        case ENOENT: StartError(.inputOutput, "there is no such file")
        case EACCES, EPERM: StartError(.permission, "permission denied")
        case EISDIR: StartError(.inputOutput, "it is a folder")
        case ENOTDIR: StartError(.inputOutput, "a part of the path is no folder")
        default: StartError(.inputOutput, String(cString: strerror(code)))
        }
    }
}
