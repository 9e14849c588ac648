// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Testing

@testable import Collector

struct SystemdNoticeTests {
    @Test func `the service manager is notified through its socket`() throws {
        let path = FileManager.default.temporaryDirectory.appending(
            path: "notify-\(getpid())-\(UInt32.random(in: 0...9_999))"
        ).path
        let manager = try DatagramSocket(name: Array(path.utf8))
        defer { unlink(path) }
        SystemdNotice(environment: ["NOTIFY_SOCKET": path]).send("READY=1")
        #expect(manager.message() == "READY=1")
    }

    @Test func `a name that begins with an at sign is an abstract socket`() throws {
        let name = "hammurabi-tests-\(getpid())-\(UInt32.random(in: 0...9_999))"
        let manager = try DatagramSocket(name: [0] + Array(name.utf8))
        SystemdNotice(environment: ["NOTIFY_SOCKET": "@" + name]).send("STOPPING=1")
        #expect(manager.message() == "STOPPING=1")
    }

    @Test(arguments: [
        [:], ["NOTIFY_SOCKET": ""], ["NOTIFY_SOCKET": "/there/is/no/such/socket"],
        ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 5_000)],
    ])
    func `without a service manager nothing happens`(environment: [String: String]) {
        SystemdNotice(environment: environment).send("READY=1")
    }
}

/// A socket like that of a service manager.
private final class DatagramSocket {
    private let descriptor: Int32

    init(name: [UInt8]) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(name.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(status == 0)
    }

    deinit { close(descriptor) }

    /// The next message, nil when there is none; a sent message is there at once.
    func message() -> String? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
