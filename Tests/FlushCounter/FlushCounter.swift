// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Counts how often the code of this program flushes files below a folder to the disk.
///
/// The test program defines `fsync` and `fdatasync` itself. They replace the system's functions in the program, record the file, and
/// then call the system's; loaded libraries (SQLite) still call the system's. Safe to use from any thread, and by many tests at once:
/// each counter counts only its own folder.
public final class FlushCounter: Sendable {
    private let id: Int

    /// Begins to count.
    ///
    /// - Parameter folder: An existing folder of the test.
    public init(below folder: String) {
        id = Flushes.register(Self.resolved(folder))
    }

    deinit { Flushes.unregister(id) }

    /// How often the files whose name ends with `suffix` were flushed; a folder has the name of its path below the counter's folder,
    /// and that folder itself has the name `/`.
    public func count(_ suffix: String) -> Int {
        all.reduce(0) { $1.key.hasSuffix(suffix) ? $0 + $1.value : $0 }
    }

    /// Every file that was flushed, by its path below the folder, and how often.
    public var all: [String: Int] { Flushes.counts(id) }

    /// The path without links, as the system names open files.
    private static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

/// The flushes of each counter.
private enum Flushes {
    private static let state = Mutex<(next: Int, counters: [Int: (folder: String, counts: [String: Int])])>((0, [:]))

    static func register(_ folder: String) -> Int {
        state.withLock { state in
            state.next += 1
            state.counters[state.next] = (folder, [:])
            return state.next
        }
    }

    static func unregister(_ id: Int) { state.withLock { $0.counters[id] = nil } }

    static func counts(_ id: Int) -> [String: Int] { state.withLock { $0.counters[id]?.counts ?? [:] } }

    /// Records a flush of an open file.
    static func note(_ descriptor: Int32) {
        guard state.withLock({ !$0.counters.isEmpty }), let path = path(of: descriptor) else { return }
        state.withLock { state in
            for (id, counter) in state.counters where path == counter.folder || path.hasPrefix(counter.folder + "/") {
                let name = path == counter.folder ? "/" : String(path.dropFirst(counter.folder.count + 1))
                state.counters[id]?.counts[name, default: 0] += 1
            }
        }
    }

    private static func path(of descriptor: Int32) -> String? {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/fd/\(descriptor)", &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }

    /// A function of the system that this program hides (`RTLD_NEXT`).
    static func hidden(_ name: String) -> @convention(c) (Int32) -> Int32 {
        guard let symbol = dlsym(UnsafeMutableRawPointer(bitPattern: -1), name) else { return { _ in -1 } }
        return unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
    }

    static let fsync = hidden("fsync")
    static let fdatasync = hidden("fdatasync")
}

/// Replaces `fsync` in this program.
@_cdecl("fsync")
public func countingFsync(_ descriptor: Int32) -> Int32 {
    Flushes.note(descriptor)
    return Flushes.fsync(descriptor)
}

/// Replaces `fdatasync` in this program.
@_cdecl("fdatasync")
public func countingFdatasync(_ descriptor: Int32) -> Int32 {
    Flushes.note(descriptor)
    return Flushes.fdatasync(descriptor)
}
