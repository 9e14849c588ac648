// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files in memory: for queues that need not survive the process, and for tests that cut the power.
public final class MemoryStorage: QueueStorage {
    private let state = Mutex(State())

    private struct State {
        var files: [String: MemoryFile] = [:]
        var locks: Set<String> = []
    }

    /// How many bytes all files together may have before the "disk" is full.
    private let room: Mutex<Int>

    /// Creates an empty storage with room for so many bytes.
    public init(room: Int = .max) {
        self.room = Mutex(room)
    }

    /// Changes how many bytes there is room for.
    public func setRoom(_ bytes: Int) { room.withLock { $0 = bytes } }

    /// What a crash leaves: files without what was not put on the "disk", and no locks; `keeping` says how much of a tail that was
    /// not put there survives, as a process that is killed keeps all and a power cut any part of it.
    public func afterCrash(keeping: (Int) -> Int = { _ in 0 }) -> MemoryStorage {
        let copy = MemoryStorage()
        for (path, file) in state.withLock({ $0.files }).sorted(by: { $0.key < $1.key }) {
            let (bytes, synced) = file.contents
            let kept = min(bytes.count, synced + keeping(bytes.count - synced))
            copy.put(Array(bytes[..<kept]), at: path)
        }
        return copy
    }

    /// The bytes of a file; nil when there is none.
    public func contents(of path: String) -> [UInt8]? { state.withLock { $0.files[path] }?.contents.bytes }

    /// Puts a file in the place of whatever was there.
    public func put(_ bytes: [UInt8], at path: String) {
        state.withLock { $0.files[path] = MemoryFile(bytes, self) }
    }

    /// Folders need no making.
    public func makeFolder(_ path: String) throws(QueueStorageError) {}

    /// The names in a folder.
    public func names(in folder: String) throws(QueueStorageError) -> [String] {
        let prefix = folder + "/"
        return state.withLock { state in
            state.files.keys.filter { $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/") }
                .map { String($0.dropFirst(prefix.count)) }.sorted()
        }
    }

    /// Opens a file.
    public func open(_ path: String, creating: Bool) throws(QueueStorageError) -> any QueueFile {
        let file = state.withLock { state -> MemoryFile? in
            if state.files[path] == nil, creating { state.files[path] = MemoryFile([], self) }
            return state.files[path]
        }
        guard let file else { throw QueueStorageError(number: ENOENT, path: path) }
        return file
    }

    /// Gives a file another name.
    public func rename(_ path: String, to other: String) throws(QueueStorageError) {
        let isThere = state.withLock { state in
            guard let file = state.files.removeValue(forKey: path) else { return false }
            state.files[other] = file
            return true
        }
        if !isThere { throw QueueStorageError(number: ENOENT, path: path) }
    }

    /// Removes a file.
    public func remove(_ path: String) { state.withLock { _ = $0.files.removeValue(forKey: path) } }

    /// Names are there at once.
    public func syncFolder(_ path: String) throws(QueueStorageError) {}

    /// Takes a lock.
    public func lock(_ path: String) throws(QueueStorageError) -> any Sendable {
        let isMine = state.withLock { $0.locks.insert(path).inserted }
        guard isMine else { throw QueueStorageError(number: EWOULDBLOCK, path: path) }
        return MemoryLock { [weak self] in self?.state.withLock { _ = $0.locks.remove(path) } }
    }

    /// How many of so many more bytes there is room for.
    fileprivate func roomLeft() -> Int {
        let used = state.withLock { $0.files.values.reduce(0) { $0 + $1.size } }
        return max(0, room.withLock { $0 } - used)
    }
}

/// Gives a lock back when it goes.
private final class MemoryLock: Sendable {
    private let release: @Sendable () -> Void

    init(release: @escaping @Sendable () -> Void) { self.release = release }

    deinit { release() }
}

/// A file in memory that knows what of it is "on the disk".
private final class MemoryFile: QueueFile {
    private let state: Mutex<(bytes: [UInt8], synced: Int)>
    private let room: @Sendable () -> Int

    private static let growth = 128 << 10

    init(_ bytes: [UInt8], _ storage: MemoryStorage) {
        state = Mutex((bytes, bytes.count))
        room = { [weak storage] in storage?.roomLeft() ?? .max }
    }

    var contents: (bytes: [UInt8], synced: Int) { state.withLock { $0 } }
    var size: Int { state.withLock { $0.bytes.count } }

    func append(_ bytes: UnsafeRawBufferPointer) throws(QueueStorageError) {
        let fitting = min(bytes.count, room())
        state.withLock { state in
            let size = state.bytes.count + fitting
            // An array that grows by itself has up to twice the bytes that are in it.
            if state.bytes.capacity < size { state.bytes.reserveCapacity(size + min(size, Self.growth)) }
            state.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[..<fitting]))
        }
        if fitting < bytes.count { throw QueueStorageError(number: ENOSPC, path: "memory") }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(QueueStorageError) -> Int {
        state.withLock { state in
            let end = min(state.bytes.count, offset + buffer.count)
            guard offset < end else { return 0 }
            state.bytes[offset..<end].withUnsafeBytes { buffer.copyMemory(from: $0) }
            return end - offset
        }
    }

    func sync() throws(QueueStorageError) { state.withLock { $0.synced = $0.bytes.count } }

    func cut(to size: Int) throws(QueueStorageError) {
        state.withLock { state in
            state.bytes.removeLast(max(0, state.bytes.count - size))
            state.synced = min(state.synced, size)
        }
    }
}
