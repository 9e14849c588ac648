// SPDX-License-Identifier: Apache-2.0

import CollectorKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One run of a plugin that is checked: frames are written and read by hand, and every wait has an end.
///
/// Not safe to use from several threads.
final class ProbedChild {
    private let child: pid_t
    private var socket: Int32
    private var reader = PluginFrameReader(largestPayload: 64 << 20)
    private var status: Int32?

    /// Starts the program; what it prints goes to standard error.
    ///
    /// - Throws: ``StartError`` when it does not start.
    init(_ command: PluginCommand) throws(StartError) {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw StartError(.inputOutput, "no descriptors are left")
        }
        socket = pair[0]
        let ended: Result<pid_t, StartError>
        do throws(StartError) {
            ended = .success(try command.spawn(protocol: pair[1], output: 2, errors: 2))
        } catch {
            ended = .failure(error)
        }
        close(pair[1])
        guard case .success(let child) = ended else {
            close(pair[0])
            throw StartError(.inputOutput, "\(command.words.first ?? "") does not start")
        }
        self.child = child
    }

    deinit {
        closeSocket()
        if status == nil {
            end()
            while waitpid(child, nil, 0) < 0, errno == EINTR {}
        }
    }

    func closeSocket() {
        if socket >= 0 { close(socket) }
        socket = -1
    }

    /// Kills the program and its children.
    func end() {
        kill(-child, SIGKILL)
        kill(child, SIGKILL)
    }

    /// Writes bytes, a few at a time when `piece` says so; false when the plugin does not take them.
    func write(_ bytes: [UInt8], piece: Int = .max) -> Bool {
        var sent = 0
        let deadline = ContinuousClock.now + .seconds(30)
        while sent < bytes.count {
            let size = min(piece, bytes.count - sent)
            let count = bytes.withUnsafeBytes { buffer in
                send(socket, buffer.baseAddress?.advanced(by: sent), size, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count > 0 {
                sent += count
                if piece < 64 { usleep(200) }
            } else if errno == EAGAIN, ContinuousClock.now < deadline {
                wait(for: POLLOUT, 100)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    func write(_ kind: PluginFrame.Kind, _ id: UInt64 = 0, _ payload: [UInt8] = []) -> Bool {
        write(PluginFrame(kind: kind, id: id, payload: payload).encoded)
    }

    /// The next frame; nil when none comes in time, or the plugin has closed its end.
    func frame(within time: Duration) throws(PluginFault) -> PluginFrame? {
        let deadline = ContinuousClock.now + time
        while true {
            if let frame = try reader.next() { return frame }
            guard ContinuousClock.now < deadline, socket >= 0 else { return nil }
            wait(for: POLLIN, 50)
            let block = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count == 0 { closeSocket() }
                count = max(0, count)
            }
            reader.append(block)
        }
    }

    /// Whether the program has ended in time; its exit code, or the signal as a negative number.
    func exitCode(within time: Duration) -> Int32? {
        let deadline = ContinuousClock.now + time
        while status == nil {
            var found: Int32 = 0
            if waitpid(child, &found, WNOHANG) == child {
                status = found & 0x7F == 0 ? (found >> 8) & 0xFF : -(found & 0x7F)
                kill(-child, SIGKILL)
            } else if ContinuousClock.now >= deadline {
                return nil
            } else {
                usleep(2_000)
            }
        }
        return status
    }

    private func wait(for event: Int32, _ milliseconds: Int32) {
        guard socket >= 0 else { return }
        var watched = pollfd(fd: socket, events: Int16(event), revents: 0)
        poll(&watched, 1, milliseconds)
    }
}
