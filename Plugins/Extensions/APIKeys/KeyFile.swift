// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Files
import FoundationEssentials

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The file of API keys, readable by its owner only.
///
/// A change replaces the file in one step, so that it is always complete.
public struct KeyFile: Sendable {
    /// Its path.
    public let path: String

    /// Creates access to a file that may not exist yet.
    public init(path: String) {
        self.path = path
    }

    /// Identifies a version of the file.
    struct Stamp: Equatable {
        var inode: UInt64 = 0
        var size: Int64 = 0
        var seconds = 0
        var nanoseconds = 0
    }

    private struct Content: Codable {
        var keys: [KeyRecord]
    }

    private static let largest = 4 << 20

    /// The present version of the file; nil when there is none.
    var stamp: Stamp? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return Stamp(
            inode: UInt64(facts.st_ino),
            size: Int64(facts.st_size),
            seconds: OwnFile.modificationTime(facts).tv_sec,
            nanoseconds: OwnFile.modificationTime(facts).tv_nsec
        )
    }

    /// All keys; none when there is no file.
    ///
    /// - Throws: ``StartError`` when other users may read the file, or it is not a file of keys.
    public func records() throws(StartError) -> [KeyRecord] {
        let descriptor: Int32
        do throws(FileError) {
            descriptor = try OwnFile.open(path, .reading)
        } catch {
            if error.kind == nil, error.number == ENOENT { return [] }
            throw failure(of: error, "cannot be read")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else {
            throw failure(.inputOutput, "cannot be read: \(Self.reason(errno))")
        }
        guard facts.st_mode & 0o077 == 0 else {
            throw failure(.permission, "can be read by other users; run: chmod 600 \(path)")
        }
        guard facts.st_size <= Self.largest else { throw failure(.inputOutput, "is too large for a file of keys") }
        let bytes = try content(descriptor, Int(facts.st_size))
        do {
            let keys = try JSONDecoder().decode(Content.self, from: Data(bytes)).keys
            guard keys.allSatisfy({ KeyDigest(hex: $0.hash) != nil }) else {
                throw failure(.configuration, "has a hash that is none; restore it, or remove it and make new keys")
            }
            return keys
        } catch let error as StartError {
            throw error
        } catch {
            throw failure(.configuration, "is no file of keys; restore it, or remove it and make new keys")
        }
    }

    private func content(_ descriptor: Int32, _ size: Int) throws(StartError) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= Self.largest {
            let count = read(descriptor, &block, block.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(.inputOutput, "cannot be read: \(Self.reason(errno))")
            }
            bytes += block[..<count]
        }
        return bytes
    }

    /// Changes the keys; creates a missing folder.
    ///
    /// Processes that do so at the same time wait for one another.
    ///
    /// - Throws: ``StartError`` when the file cannot be read or written; it is then unchanged.
    public func change<Answer>(_ change: (inout [KeyRecord]) -> Answer) throws(StartError) -> Answer {
        // When the folder cannot be created, the lock fails and reports why.
        try? DurableFolder.make(DurableFolder.containing(path))
        let lock: FileLock
        do throws(FileError) {
            lock = try FileLock(path + ".lock", waits: true)
        } catch {
            throw failure(of: error, "cannot be locked")
        }
        defer { withExtendedLifetime(lock) {} }
        var records = try records()
        let before = records
        let answer = change(&records)
        if records != before { try write(records) }
        return answer
    }

    private func write(_ records: [KeyRecord]) throws(StartError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(Content(keys: records)) else {
            throw failure(.inputOutput, "cannot be written")
        }
        var isInPlace = false
        do throws(FileError) {
            var file = try FileReplacement(of: path)
            defer { isInPlace = file.isInPlace }
            try file.append([UInt8](text) + [UInt8(ascii: "\n")])
            // A key that was shown, or reported as revoked, must still be so after a power cut.
            try file.commit()
        } catch {
            if isInPlace { throw failure(.inputOutput, "is written, but may not be on the disk: \(error.reason)") }
            throw failure(of: error, "cannot be written")
        }
    }

    private func failure(of error: FileError, _ what: String) -> StartError {
        failure(
            error.number == EACCES ? .permission : .inputOutput,
            "\(what): \(error.kind == nil ? error.systemReason : error.reason)"
        )
    }

    private func failure(_ reason: StartError.Reason, _ text: String) -> StartError {
        StartError(reason, "the file of keys \(path) \(text)")
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
