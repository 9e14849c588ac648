// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Asks a plugin what it offers: the program is run with `--describe`, prints its description and exits.
///
/// The answer is kept under the checksum of the program's files, so that a plugin that has not changed is not run again. Blocks for up
/// to ten seconds; safe to use from any thread.
struct PluginInquiry {
    private static let largest = 1 << 20

    let command: PluginCommand
    /// Where answers are kept; nil to keep none.
    let folder: String?
    /// How long the program may take.
    var time = Duration.seconds(10)

    /// Returns the description.
    ///
    /// - Throws: ``StartError`` when the files may not be run, or the program fails, is slow or prints something else.
    func description() throws(StartError) -> PluginDescription {
        try command.check()
        return try description(of: try command.fingerprint())
    }

    /// Returns the description of files that are checked.
    ///
    /// - Parameter fingerprint: That of the command.
    func description(of fingerprint: String) throws(StartError) -> PluginDescription {
        let file = folder.map { "\($0)/\(fingerprint).json" }
        // An answer that cannot be read is asked for again.
        if let file, let bytes = Self.kept(file), let known = try? PluginDescription(parsing: bytes) { return known }
        let bytes = try ask()
        let description: PluginDescription
        do throws(PluginDescription.Problem) {
            description = try PluginDescription(parsing: bytes)
        } catch {
            throw StartError(.configuration, "\(command.words.first ?? ""): \(error)")
        }
        if let file { Self.keep(bytes, file) }
        return description
    }

    private static func kept(_ file: String) -> [UInt8]? {
        guard let descriptor = try? OwnFile.open(file, .reading) else { return nil }
        defer { close(descriptor) }
        let bytes = [UInt8](unsafeUninitializedCapacity: largest) { buffer, count in
            count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
        }
        return bytes
    }

    /// Keeps an answer; without it the plugin is asked again the next time.
    private static func keep(_ bytes: [UInt8], _ file: String) {
        do throws(FileError) {
            try DurableFolder.make(DurableFolder.containing(file))
            var replacement = try FileReplacement(of: file)
            try replacement.append(bytes)
            try replacement.commit()
        } catch {}
    }

    private func ask() throws(StartError) -> [UInt8] {
        let program = command.words.first ?? ""
        var output: [Int32] = [-1, -1]
        guard PluginCommand.makePipe(&output) else {
            throw StartError(.inputOutput, "\(program): no descriptors are left")
        }
        defer { close(output[0]) }
        let devices = open("/dev/null", O_WRONLY | O_CLOEXEC)
        let started: Result<pid_t, StartError>
        do throws(StartError) {
            started = .success(try command.spawn(["--describe"], protocol: nil, output: output[1], errors: devices))
        } catch {
            started = .failure(error)
        }
        close(output[1])
        if devices >= 0 { close(devices) }
        let child = try started.get()
        let bytes = readAll(output[0])
        if bytes == nil { kill(-child, SIGKILL) }
        var status: Int32 = 0
        // A program that has closed its output and goes on is not waited for.
        let end = ContinuousClock.now + time
        var ended = waitpid(child, &status, WNOHANG)
        while ended == 0 || (ended < 0 && errno == EINTR), ContinuousClock.now < end {
            usleep(2_000)
            ended = waitpid(child, &status, WNOHANG)
        }
        if ended == 0 {
            kill(-child, SIGKILL)
            while waitpid(child, &status, 0) < 0, errno == EINTR {}
        }
        guard let bytes, status == 0 else {
            throw StartError(
                .configuration,
                "\(program) --describe did not print a description and exit with 0 within \(time)"
            )
        }
        return bytes
    }

    /// What is printed until the output is closed; nil when it is too much or takes too long.
    private func readAll(_ descriptor: Int32) -> [UInt8]? {
        let end = ContinuousClock.now + time
        var bytes: [UInt8] = []
        while bytes.count <= Self.largest {
            let left = (end - ContinuousClock.now) / .milliseconds(1)
            guard left > 0 else { return nil }
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, Int32(left.rounded(.up))) > 0 else { continue }
            var code: Int32 = 0
            let block = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                let read = read(descriptor, buffer.baseAddress, buffer.count)
                code = read < 0 ? errno : 0
                count = max(0, read)
            }
            if code != 0, code != EINTR { return nil }
            if code == 0, block.isEmpty { return bytes }
            bytes += block
        }
        return nil
    }
}
