// SPDX-License-Identifier: Apache-2.0

import CChildProcess
public import CollectorKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The program of a plugin: which files it is made of, and whether they may be run.
public struct PluginCommand: Sendable, Hashable {
    /// The program by its absolute path, and its arguments.
    public var words: [String]
    /// The SHA-256 of the program, or of the last of its arguments that is a file, such as the script of an interpreter, in hexadecimal
    /// digits; nil when the user gave none.
    public var checksum: String?
    /// The most bytes of memory that it may map; 0 for no limit.
    public var memoryLimit = 0

    /// The largest file that is read to be compared.
    private static let largestFile: off_t = 256 << 20

    /// Creates a command; looks at nothing.
    public init(_ words: [String], checksum: String? = nil) {
        self.words = words
        self.checksum = checksum
    }

    /// The words that name files: the program, and arguments that are absolute paths of files, such as the script of an interpreter.
    private var files: [String] {
        words.enumerated().filter { position, word in
            var status = stat()
            return position == 0
                || (word.hasPrefix("/") && stat(word, &status) == 0 && status.st_mode & S_IFMT == S_IFREG)
        }.map(\.element)
    }

    /// Makes sure that only the user, or root, can have written what is run, and that it is what the checksum names.
    ///
    /// As sshd does with its files: a file or a folder above it that others can write, or that is another user's, is refused; a folder
    /// with the sticky bit, such as `/tmp`, is not.
    /// - Throws: ``StartError`` that names the file and what to do.
    public func check() throws(StartError) {
        try checkFiles()
        try checkChecksum()
    }

    /// Makes sure of the owners and rights of the files.
    func checkFiles() throws(StartError) {
        guard let program = words.first, program.hasPrefix("/") else {
            throw StartError(.configuration, "command begins with the absolute path of a program")
        }
        for file in files { try Self.check(file) }
    }

    /// Makes sure of the checksum, where one is configured.
    func checkChecksum() throws(StartError) {
        guard let checksum, let program = files.last else { return }
        let found = try Self.digest(program)
        guard found == checksum.lowercased() else {
            throw StartError(
                .configuration,
                "\(program) has the SHA-256 \(found), not the one that is configured; look at what changed before you correct sha256"
            )
        }
    }

    private static func check(_ path: String) throws(StartError) {
        guard let whole = realpath(path, nil) else {
            throw StartError(.inputOutput, "\(path): \(String(cString: strerror(errno)))")
        }
        defer { free(whole) }
        var place = String(cString: whole)
        var isFile = true
        while true {
            try check(place, isFile: isFile)
            guard place != "/", let slash = place.lastIndex(of: "/") else { return }
            place = slash == place.startIndex ? "/" : String(place[..<slash])
            isFile = false
        }
    }

    private static func check(_ path: String, isFile: Bool) throws(StartError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw StartError(.inputOutput, "\(path): \(String(cString: strerror(errno)))")
        }
        if isFile, status.st_mode & S_IFMT != S_IFREG { throw StartError(.configuration, "\(path) is no file") }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw StartError(.permission, "\(path) is of another user; a plugin and its folders are yours or root's")
        }
        let isSticky = !isFile && status.st_mode & mode_t(S_ISVTX) != 0
        // The group of a user's own files has that user alone in it on many systems.
        let isShared = status.st_mode & S_IWGRP != 0 && status.st_gid != getegid() && status.st_gid != 0
        guard isSticky || (status.st_mode & S_IWOTH == 0 && !isShared) else {
            throw StartError(.permission, "\(path) can be written by others; run chmod go-w \(path)")
        }
    }

    /// The SHA-256 of a file in hexadecimal digits.
    private static func digest(_ path: String) throws(StartError) -> String {
        SHA256.hex(SHA256.digest(try content(path)))
    }

    private static func content(_ path: String) throws(StartError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw StartError(.inputOutput, "\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= largestFile else {
            throw StartError(.inputOutput, "\(path) is no file, or larger than 256 MiB")
        }
        var bytes: [UInt8] = []
        while bytes.count <= Int(largestFile) {
            let block = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            if block.isEmpty { break }
            bytes += block
        }
        return bytes
    }

    /// What a description is cached by: the words and the content of the files among them.
    ///
    /// - Throws: ``StartError`` when a file cannot be read.
    public func fingerprint() throws(StartError) -> String {
        var text = words.joined(separator: "\0")
        for file in files { text += "\0" + (try Self.digest(file)) }
        return SHA256.hex(SHA256.digest(Array(text.utf8)))
    }

    // MARK: - Starting

    /// The environment of a plugin: what programs need to find others and to speak the user's language, and nothing else.
    private static var environment: [String] {
        var variables: [String] = []
        for name in ["PATH", "HOME", "TZ", "LANG"] {
            if let value = getenv(name) { variables.append("\(name)=\(String(cString: value))") }
        }
        return variables + ["HAMMURABI_PLUGIN=1"]
    }

    /// Starts the program; it is killed when the calling thread ends.
    ///
    /// - Parameters:
    ///   - more: Arguments behind those of the command.
    ///   - descriptors: What becomes 3 (nil for none), 1 and 2.
    /// - Throws: ``StartError`` with the reason of the system.
    func spawn(
        _ more: [String] = [],
        protocol socket: Int32?,
        output: Int32,
        errors: Int32
    ) throws(StartError) -> pid_t {
        var arguments: [UnsafeMutablePointer<CChar>?] = (words + more).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = Self.environment.map { strdup($0) } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        let path = words.first ?? ""
        let child = hammurabi_spawn(
            path,
            &arguments,
            &variables,
            socket ?? -1,
            output,
            errors,
            UInt(clamping: memoryLimit)
        )
        guard child > 0 else {
            throw StartError(.inputOutput, "\(path) does not start: \(String(cString: strerror(errno)))")
        }
        return child
    }
}

extension PluginCommand {
    /// Makes a pipe whose ends are closed in programs that are started.
    static func makePipe(_ ends: inout [Int32]) -> Bool { hammurabi_pipe(&ends) == 0 }
}
