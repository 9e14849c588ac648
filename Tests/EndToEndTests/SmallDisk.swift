// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A small file system in memory, mounted where only programs see it that are started in it.
///
/// A process of its own holds it, so that it outlasts a collector that is killed.
final class SmallDisk: Sendable {
    let sandbox: Sandbox
    private let holder: Process

    /// Whether a file system may be mounted here.
    static let isAllowed = (try? finish(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"])) == 0

    /// - Parameter mebibytes: How much there is room for.
    init(mebibytes: Int) throws {
        sandbox = try Sandbox()
        let folder = sandbox.folder.appending(path: "disk").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = "mount -t tmpfs -o size=\(mebibytes)m none \"$0\" && echo mounted && exec sleep 3600"
        let output = Pipe()
        holder = Self.process(["unshare", "--mount", "sh", "-c", script, folder])
        holder.standardOutput = output
        try holder.run()
        try #require(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "mounted\n")
    }

    deinit { holder.terminate() }

    /// The folder in which the file system is mounted.
    var folder: String { sandbox.folder.appending(path: "disk").path }

    /// Starts a collector that sees the file system, and returns when it says that it is ready.
    func serve() async throws -> RunningProgram {
        let config = sandbox.folder.appending(path: "config.yaml").path
        let program = try RunningProgram(
            ["run", "--config", config],
            in: sandbox.folder,
            environment: ["HOME": sandbox.folder.path, "HAMMURABI_HOME": sandbox.home.path, "TZ": "UTC"],
            through: ["nsenter", "--mount", "--target", "\(holder.processIdentifier)"]
        )
        try await program.waitUntilReady()
        return program
    }

    /// Gives the file system more room.
    func grow(to mebibytes: Int) throws {
        let enter = ["nsenter", "--mount", "--target", "\(holder.processIdentifier)"]
        try #require(try Self.finish(enter + ["mount", "-o", "remount,size=\(mebibytes)m", folder]) == 0)
    }

    private static func process(_ words: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        return process
    }

    private static func finish(_ words: [String]) throws -> Int32 {
        let process = process(words)
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
