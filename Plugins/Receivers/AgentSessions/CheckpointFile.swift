// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Glibc

/// Keeps a checkpoint on the disk.
struct CheckpointFile: Sendable {
    let path: String

    /// A checkpoint has some hundred bytes for each session file.
    private static let largest = 1 << 30

    private var draft: String { path + ".new" }

    /// What is kept; nothing when there is no file, or when it is damaged or no regular file.
    func load() -> Checkpoint? {
        guard let bytes = try? OwnFile.content(path, largest: Self.largest) else { return nil }
        return Checkpoint(bytes)
    }

    /// Whether there is a file at all.
    var exists: Bool { access(path, F_OK) == 0 }

    /// Refuses what is no regular file where the checkpoint is read and written; a rename would remove a link without a word.
    func refuseOthers() throws(QueueStorageError) {
        try OwnFile.refuseOthers(path)
        try OwnFile.refuseOthers(draft)
    }

    /// Replaces the file as a whole: after a crash there is the old one or the new one.
    ///
    /// - Throws: ``FileStream/Failure``; the old file is still there then.
    func save(_ checkpoint: Checkpoint) throws(FileStream.Failure) {
        try makeFolder()
        let descriptor: Int32
        do throws(QueueStorageError) {
            try refuseOthers()
            descriptor = try OwnFile.open(draft, .replacing)
        } catch {
            throw FileStream.Failure(error.reason)
        }
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
