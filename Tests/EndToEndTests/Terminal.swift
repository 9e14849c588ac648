// SPDX-License-Identifier: Apache-2.0

import ChildProcess
import Foundation
import Glibc
import Testing

extension Sandbox {
    /// Runs a command with additional variables.
    func run(_ arguments: [String], environment: [String: String]) async throws -> Outcome {
        let usual = ["HOME": folder.path, "HAMMURABI_HOME": home.path, "TZ": "UTC"]
        return try await RunningProgram(arguments, in: folder, environment: usual.merging(environment) { $1 }).outcome()
    }

    /// Starts a collector with a list of arguments and returns when it reports that it is ready.
    func collect(arguments: [String]) async throws -> RunningProgram {
        let program = try RunningProgram(
            ["run"] + Self.anyPort + arguments,
            in: folder,
            environment: ["HOME": folder.path, "HAMMURABI_HOME": home.path, "TZ": "UTC"]
        )
        try await program.waitUntilReady()
        return program
    }

    /// Runs a command at a terminal without cursor movement, and types each text when the program has stopped writing.
    func runAtTerminal(_ arguments: [String], typing texts: [String]) async throws -> Outcome {
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        defer { close(terminal) }
        // Unlocks the other side of the terminal and gets its number (ioctl_tty(2)); the names are not in the module.
        var (locked, number): (Int32, UInt32) = (0, 0)
        try #require(terminal >= 0 && ioctl(terminal, 0x4004_5431, &locked) == 0)
        try #require(ioctl(terminal, 0x8004_5430, &number) == 0)
        let name = "/dev/pts/\(number)"
        let own = ["HOME": folder.path, "HAMMURABI_HOME": home.path, "TZ": "UTC", "TERM": "dumb"]
        let side = try #require(FileHandle(forUpdatingAtPath: name))
        let program = try ChildProcess(
            [RunningProgram.executable.path] + arguments,
            environment: own.merging(RunningProgram.sanitizerOptions) { given, _ in given },
            directory: folder.path,
            files: [0: side.fileDescriptor, 1: side.fileDescriptor, 2: side.fileDescriptor]
        )
        var output = ""
        for text in texts {
            output += await read(terminal, until: { $0.hasSuffix(": ") || $0.hasSuffix("] ") || $0.hasSuffix("…\r\n") })
            Glibc.write(terminal, text, text.utf8.count)
        }
        output += await read(terminal, until: { _ in !program.isRunning })
        return Outcome(exitCode: await program.status().code, output: output, errors: "")
    }

    /// The text of a terminal until it ends as expected; at most a minute.
    private func read(_ terminal: Int32, until isEnd: (String) -> Bool) async -> String {
        var bytes: [UInt8] = []
        for _ in 0..<6_000 {
            var descriptor = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
            if poll(&descriptor, 1, 0) > 0, descriptor.revents & Int16(POLLIN) != 0 {
                var buffer = [UInt8](repeating: 0, count: 4_096)
                let count = Glibc.read(terminal, &buffer, buffer.count)
                if count > 0 { bytes += buffer.prefix(count) }
                continue
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if isEnd(text) { return text }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A listener at a free port that sends nothing.
final class ForeignListener {
    let port: Int
    private let socket: Int32

    init() throws {
        // A browser that another test starts must not inherit it.
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = socket
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 && listen(number, 8) == 0 && getsockname(number, $0, &length) == 0
            }
        }
        try #require(isBound)
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(socket) }
}
