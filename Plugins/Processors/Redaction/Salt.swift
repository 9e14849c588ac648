// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The key of the hashes: the user's, or one of the program's own that is kept in a file, so that hashes stay comparable.
final class Salt: Sendable {
    private let value: Mutex<[UInt8]?>

    init(_ secret: Secret) {
        value = Mutex(secret.isEmpty ? nil : Array(secret.value.utf8))
    }

    /// The key; nil before it was loaded.
    var key: [UInt8]? { value.withLock(\.self) }

    /// Reads the program's own key, or makes it; does nothing when the user gave one.
    func load(folder: String, for id: ComponentID) throws(StartError) {
        guard key == nil else { return }
        let path = "\(folder)/redaction.salt"
        if try read(path, for: id) == nil { try make(path, folder: folder, for: id) }
        guard let bytes = try read(path, for: id) else {
            throw StartError(.inputOutput, "\(id): the salt \(path) cannot be read; check that it may be read")
        }
        let digits = bytes.filter { $0 > 32 }
        guard digits.count >= 32, digits.count <= 4_096 else {
            throw StartError(.configuration, "\(id): the salt \(path) is damaged; delete it, and a new one is made")
        }
        value.withLock { $0 = Array(digits) }
    }

    private func read(_ path: String, for id: ComponentID) throws(StartError) -> [UInt8]? {
        do throws(QueueStorageError) {
            return try OwnFile.content(path, largest: 65_536)
        } catch {
            throw StartError(
                error.isPermission ? .permission : .inputOutput,
                "\(id): the salt \(path) cannot be read: \(error.reason)"
            )
        }
    }

    /// Writes a random key aside and links it to its name, which succeeds for one of several that start at once.
    private func make(_ path: String, folder: String, for id: ComponentID) throws(StartError) {
        var random = SystemRandomNumberGenerator()
        let digits = (0..<4).map { _ in
            let word = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - word.count) + word
        }
        let aside = "\(path).\(String(random.next(), radix: 16))"
        try? DurableFolder.make(folder)
        let file = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw StartError(
                .inputOutput,
                "\(id): the salt \(path) cannot be written; set \"salt\" or make the folder writable"
            )
        }
        defer { unlink(aside) }
        let bytes = Array((digits.joined() + "\n").utf8)
        let isWritten = write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
        close(file)
        guard isWritten, link(aside, path) == 0 || errno == EEXIST else {
            throw StartError(.inputOutput, "\(id): the salt \(path) cannot be written; check that there is space left")
        }
        do throws(QueueStorageError) {
            try DurableFolder.flush(folder)
        } catch {
            throw StartError(.inputOutput, "\(id): the folder of the salt \(path) cannot be flushed: \(error.reason)")
        }
    }
}
