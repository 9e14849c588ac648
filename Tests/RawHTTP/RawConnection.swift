// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Glibc
import Synchronization

/// A TCP connection to this machine that sends and receives bytes without an HTTP library.
///
/// It waits by polling, so that it blocks no thread of the program under test.
public final class RawConnection: Sendable {
    private let descriptor: Int32
    private let received = Mutex<[UInt8]>([])

    /// Connects; throws when no program listens.
    public init(port: UInt16) async throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw ConnectionFailure.refused }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// Sends a text; `\n` is sent as CR LF.
    public func send(_ text: String) throws {
        let bytes = Array(text.replacing("\n", with: "\r\n").utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw ConnectionFailure.closed
        }
    }

    /// Sends bytes as fast as the other side reads them.
    public func send(_ bytes: [UInt8]) async throws {
        var sent = 0
        let isThrough = try await eventually {
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count < 0 {
                    guard errno == EAGAIN else { throw ConnectionFailure.closed }
                    return false
                }
                sent += count
            }
            return true
        }
        guard isThrough else { throw ConnectionFailure.silent }
    }

    /// Closes the sending direction.
    public func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next answer, which must have a length.
    public func answer() async throws -> RawAnswer {
        var answer: RawAnswer?
        let isThere = try await eventually {
            let isOpen = receive()
            answer = received.withLock { RawAnswer(takingFrom: &$0) }
            if answer == nil, !isOpen { throw ConnectionFailure.closed }
            return answer != nil
        }
        guard isThere, let answer else { throw ConnectionFailure.silent }
        return answer
    }

    /// The next bytes, exactly this many.
    public func bytes(_ count: Int) async throws -> [UInt8] {
        var bytes: [UInt8]?
        let isThere = try await eventually {
            let isOpen = receive()
            bytes = received.withLock { received in
                guard received.count >= count else { return nil }
                defer { received.removeFirst(count) }
                return Array(received.prefix(count))
            }
            if bytes == nil, !isOpen { throw ConnectionFailure.closed }
            return bytes != nil
        }
        guard isThere, let bytes else { throw ConnectionFailure.silent }
        return bytes
    }

    /// Whether there is no unread data.
    public var hasNothing: Bool { receive() && received.withLock(\.isEmpty) }

    /// Everything until the other side closes the connection.
    public func rest() async throws -> String {
        guard await eventually({ !receive() }) else { throw ConnectionFailure.silent }
        return received.withLock { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads the available data; false when the other side has closed the connection.
    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return count < 0 && errno == EAGAIN }
            received.withLock { $0 += buffer[..<count] }
        }
    }
}

/// Why a connection cannot be used.
public enum ConnectionFailure: Error {
    /// No program listens.
    case refused
    /// The other side has closed the connection.
    case closed
    /// Nothing arrives.
    case silent
}

/// A parsed answer.
public struct RawAnswer {
    /// The status.
    public let status: Int
    /// The values of the fields, by their names in lower case.
    public let fields: [String: String]
    /// The body.
    public let bytes: [UInt8]

    /// The body as text.
    public var body: String { String(decoding: bytes, as: UTF8.self) }

    /// Parses one answer at the start of the received bytes; nil when it is incomplete.
    init?(takingFrom bytes: inout [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            fields[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        let length = fields["content-length"].flatMap { Int($0) } ?? 0
        guard bytes.count - end.upperBound >= length, let status = lines.first?.split(separator: " ").dropFirst().first
        else {
            return nil
        }
        self.status = Int(status) ?? 0
        self.fields = fields
        self.bytes = Array(bytes[end.upperBound...].prefix(length))
        bytes.removeFirst(end.upperBound + length)
    }
}

/// Events in order.
public final class Journal: Sendable {
    private let lines = Mutex<[String]>([])

    /// Creates an empty journal.
    public init() {}

    /// The lines so far.
    public var entries: [String] { lines.withLock { $0 } }

    /// Appends a line.
    public func write(_ line: String) { lines.withLock { $0.append(line) } }
}
