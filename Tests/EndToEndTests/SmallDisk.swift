// SPDX-License-Identifier: Apache-2.0

import ChildProcess
import Foundation
import Glibc
import Testing

/// A small file system in memory, visible only to programs that are started in it.
///
/// A separate process holds it, so that it survives a killed collector.
final class SmallDisk: Sendable {
    let sandbox: Sandbox
    private let holder: ChildProcess

    /// Whether a file system may be mounted here.
    static let isAllowed = (try? finish(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"])) == 0

    /// - Parameter mebibytes: Its size.
    init(mebibytes: Int) throws {
        sandbox = try Sandbox()
        let folder = sandbox.folder.appending(path: "disk").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = "mount -t tmpfs -o size=\(mebibytes)m none \"$0\" && echo mounted && exec sleep 3600"
        let output = Pipe()
        let words = ["unshare", "--mount", "sh", "-c", script, folder]
        holder = try ChildProcess(words, files: [1: output.fileHandleForWriting.fileDescriptor])
        try #require(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "mounted\n")
    }

    deinit { holder.send(SIGTERM) }

    /// The folder in which the file system is mounted.
    var folder: String { sandbox.folder.appending(path: "disk").path }

    /// Starts a collector that sees the file system, and returns when it reports that it is ready.
    func serve() async throws -> RunningProgram {
        let config = sandbox.folder.appending(path: "config.yaml").path
        let program = try RunningProgram(
            ["run", "--config", config],
            in: sandbox.folder,
            environment: ["HOME": sandbox.folder.path, "HAMMURABI_HOME": sandbox.home.path, "TZ": "UTC"],
            through: ["nsenter", "--mount", "--target", "\(holder.identifier)"]
        )
        try await program.waitUntilReady()
        return program
    }

    /// Makes the file system larger.
    func grow(to mebibytes: Int) throws {
        let enter = ["nsenter", "--mount", "--target", "\(holder.identifier)"]
        try #require(try Self.finish(enter + ["mount", "-o", "remount,size=\(mebibytes)m", folder]) == 0)
    }

    private static func finish(_ words: [String]) throws -> Int32 {
        try ChildProcess(words).waitUntilExit().code
    }
}
