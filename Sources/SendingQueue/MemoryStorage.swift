// SPDX-License-Identifier: Apache-2.0

public import Files
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files in memory: for queues that need not survive the process, and for tests that simulate a power cut.
public final class MemoryStorage: QueueStorage {
    private let state = Mutex(State())

    private struct State {
        var files: [String: MemoryFile] = [:]
        var locks: Set<String> = []
    }

    /// How many bytes all files together may have before the simulated disk is full.
    private let room: Mutex<Int>

    /// False by default, because a spare file only uses memory; tests that simulate a disk set it.
    public let reusesFiles: Bool

    /// Creates an empty storage with room for this many bytes.
    public init(room: Int = .max, reusesFiles: Bool = false) {
        self.room = Mutex(room)
        self.reusesFiles = reusesFiles
    }

    /// Changes how many bytes there is room for.
    public func setRoom(_ bytes: Int) { room.withLock { $0 = bytes } }

    /// The storage after a crash: without locks, and without bytes that were not flushed.
    ///
    /// `keeping` returns how many unflushed bytes at the end of a file survive: all of them after a killed process, any number after a
    /// power cut.
    public func afterCrash(keeping: (Int) -> Int = { _ in 0 }) -> MemoryStorage {
        let copy = MemoryStorage(reusesFiles: reusesFiles)
        for (path, file) in state.withLock({ $0.files }).sorted(by: { $0.key < $1.key }) {
            copy.put(file.afterCrash(keeping: keeping), at: path)
        }
        return copy
    }

    /// The bytes of a file; nil when it does not exist.
    public func contents(of path: String) -> [UInt8]? { state.withLock { $0.files[path] }?.bytes }

    /// Replaces the contents of a file, or creates it.
    public func put(_ bytes: [UInt8], at path: String) {
        state.withLock { $0.files[path] = MemoryFile(bytes, self) }
    }

    /// Does nothing: there are no folders.
    public func makeFolder(_ path: String) throws(FileError) {}

    /// The names in a folder.
    public func names(in folder: String) throws(FileError) -> [String] {
        let prefix = folder + "/"
        return state.withLock { state in
            state.files.keys.filter { $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/") }
                .map { String($0.dropFirst(prefix.count)) }.sorted()
        }
    }

    /// Opens a file.
    public func open(_ path: String, creating: Bool) throws(FileError) -> any QueueFile {
        let file = state.withLock { state -> MemoryFile? in
            if state.files[path] == nil, creating { state.files[path] = MemoryFile([], self) }
            return state.files[path]
        }
        guard let file else { throw FileError(number: ENOENT, path: path) }
        return file
    }

    /// Renames a file.
    public func rename(_ path: String, to other: String) throws(FileError) {
        let isThere = state.withLock { state in
            guard let file = state.files.removeValue(forKey: path) else { return false }
            state.files[other] = file
            return true
        }
        if !isThere { throw FileError(number: ENOENT, path: path) }
    }

    /// Removes a file.
    public func remove(_ path: String) { state.withLock { _ = $0.files.removeValue(forKey: path) } }

    /// Does nothing: names are durable at once.
    public func syncFolder(_ path: String) throws(FileError) {}

    /// Takes a lock.
    public func lock(_ path: String) throws(FileError) -> any Sendable {
        let isMine = state.withLock { $0.locks.insert(path).inserted }
        guard isMine else { throw FileError(number: EWOULDBLOCK, path: path) }
        return MemoryLock { [weak self] in self?.state.withLock { _ = $0.locks.remove(path) } }
    }

    /// How many more bytes fit.
    fileprivate func roomLeft() -> Int {
        let used = state.withLock { $0.files.values.reduce(0) { $0 + $1.size } }
        return max(0, room.withLock { $0 } - used)
    }
}

/// Releases a lock when it is deallocated.
private final class MemoryLock: Sendable {
    private let release: @Sendable () -> Void

    init(release: @escaping @Sendable () -> Void) { self.release = release }

    deinit { release() }
}

/// A file in memory that tracks which bytes were flushed.
private final class MemoryFile: QueueFile {
    private let state: Mutex<Contents>
    private let room: @Sendable () -> Int

    init(_ bytes: [UInt8], _ storage: MemoryStorage) {
        state = Mutex(Contents(bytes: bytes, synced: bytes.count))
        room = { [weak storage] in storage?.roomLeft() ?? .max }
    }

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var size: Int { state.withLock { $0.bytes.count } }

    func write(_ bytes: UnsafeRawBufferPointer, then more: UnsafeRawBufferPointer, at offset: Int)
        throws(FileError)
    {
        let end = size
        let fitting = min(bytes.count + more.count, end - offset + room())
        state.withLock { state in
            let first = min(fitting, bytes.count)
            state.write(UnsafeRawBufferPointer(rebasing: bytes[..<first]), at: offset)
            state.write(UnsafeRawBufferPointer(rebasing: more[..<(fitting - first)]), at: offset + first)
        }
        if fitting < bytes.count + more.count { throw FileError(number: ENOSPC, path: "memory") }
    }

    /// The bytes after a crash; `keeping` returns how many of the last unflushed bytes survive.
    func afterCrash(keeping: (Int) -> Int) -> [UInt8] { state.withLock { $0.afterCrash(keeping: keeping) } }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
        state.withLock { state in
            let end = min(state.bytes.count, offset + buffer.count)
            guard offset < end else { return 0 }
            state.bytes[offset..<end].withUnsafeBytes { buffer.copyMemory(from: $0) }
            return end - offset
        }
    }

    func sync() throws(FileError) { state.withLock { $0.sync() } }

    func cut(to size: Int) throws(FileError) { state.withLock { $0.cut(to: size) } }
}

/// The bytes of a file, and those that a crash undoes.
private struct Contents {
    var bytes: [UInt8]
    /// The size at the last flush.
    var synced: Int
    /// The bytes that were overwritten since the last flush, the oldest first.
    private var former: [(offset: Int, bytes: ArraySlice<UInt8>)] = []
    /// The end of the last write.
    private var written = 0

    private static let growth = 128 << 10

    init(bytes: [UInt8], synced: Int) { (self.bytes, self.synced) = (bytes, synced) }

    mutating func write(_ new: UnsafeRawBufferPointer, at offset: Int) {
        let kept = min(bytes.count, offset + new.count)
        if offset < min(kept, synced) { former.append((offset, bytes[offset..<min(kept, synced)])) }
        if offset < kept { bytes.replaceSubrange(offset..<kept, with: new.prefix(kept - offset)) }
        let added = new.dropFirst(kept - offset)
        // An array that grows by itself reserves up to twice its bytes.
        let size = bytes.count + added.count
        if bytes.capacity < size { bytes.reserveCapacity(size + min(size, Self.growth)) }
        bytes.append(contentsOf: added)
        written = offset + new.count
    }

    mutating func sync() { (synced, former) = (bytes.count, []) }

    mutating func cut(to size: Int) {
        bytes.removeLast(max(0, bytes.count - size))
        sync()
    }

    func afterCrash(keeping: (Int) -> Int) -> [UInt8] {
        var before = Array(bytes[..<synced])
        for (offset, old) in former.reversed() { before.replaceSubrange(offset..<offset + old.count, with: old) }
        let start = min(former.map(\.offset).min() ?? synced, synced)
        let pending = former.isEmpty && bytes.count == synced ? 0 : written - start
        let kept = min(bytes.count, start + keeping(pending))
        return Array(bytes[..<kept]) + before.dropFirst(kept)
    }
}
