// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import Glibc

/// Keeps a checkpoint on the disk.
struct CheckpointFile: Sendable {
    let path: String

    /// What is kept; nothing when there is no file or it is damaged.
    func load() -> Checkpoint? {
        (try? Data(contentsOf: URL(filePath: path))).flatMap { Checkpoint([UInt8]($0)) }
    }

    /// Whether there is a file at all.
    var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// Replaces the file as a whole: after a crash there is the old one or the new one.
    ///
    /// - Throws: ``FileStream/Failure``; the old file is still there then.
    func save(_ checkpoint: Checkpoint) throws(FileStream.Failure) {
        try makeFolder()
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system }
        do throws(FileStream.Failure) {
            defer { close(descriptor) }
            try write(checkpoint.encoded, to: descriptor)
            guard fsync(descriptor) == 0 else { throw .system }
        } catch {
            unlink(draft)
            throw error
        }
        guard rename(draft, path) == 0 else { throw .system }
        do throws(QueueStorageError) {
            try DurableFolder.flush(DurableFolder.containing(path))
        } catch {
            throw FileStream.Failure(error.reason)
        }
    }

    private func makeFolder() throws(FileStream.Failure) {
        do throws(QueueStorageError) {
            try DurableFolder.make(DurableFolder.containing(path))
        } catch {
            throw FileStream.Failure("its folder cannot be made")
        }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) throws(FileStream.Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count > 0 { written += count } else if errno != EINTR { throw .system }
        }
    }
}
