// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// A connection of a client that sends and reads only on demand.
final class HeldConnection: Sendable {
    private let descriptor: Int32

    init(_ program: RunningProgram) throws {
        let port = try #require(try program.address().split(separator: ":").last.flatMap { UInt16($0) })
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // A small buffer for a program that does not read.
        var room: Int32 = 4_096
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0)
    }

    deinit { close(descriptor) }

    /// Sends the head of a request and the beginning of its body.
    func begin(_ line: String, _ fields: String = "", body: [UInt8] = []) throws {
        let head = "\(line) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n"
        try send(Array(head.utf8) + body)
    }

    /// Sends bytes; waits while the other side does not read them.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            try #require(count > 0, "the connection was closed")
            sent += count
        }
    }

    /// Says that nothing more will be sent.
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The beginning of the received data; waits for it.
    func read() -> String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
