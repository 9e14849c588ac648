// SPDX-License-Identifier: Apache-2.0

import Files
import Logging
import Synchronization

/// What of a store's files could not be read since its start: said once for each file, and shown as the health of the store.
///
/// Lines that are whole go on to answer questions; what is passed over is lost to them until somebody repairs the file. Safe to use
/// from any thread.
final class StoreDamage: Sendable {
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var files: Set<String> = []
        /// In which file damage was found first.
        var first: String?
        var lines = 0
    }

    /// Where a line begins that cannot be read.
    struct Place {
        var path: String
        var offset: Int64
    }

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// What is wrong and what to do, in one sentence; nil when everything could be read.
    var trouble: String? {
        state.withLock { state in
            guard let first = state.first else { return nil }
            let lines = state.lines == 1 ? "a line" : "\(state.lines) lines"
            return "\(lines) of the store cannot be read and are not in its answers, first in \(first); "
                + "repair them or remove them from the file while the collector is stopped"
        }
    }

    /// Notes a line that cannot be read; only the first of each file is logged.
    ///
    /// - Parameters:
    ///   - lines: How many of the file there are.
    ///   - copy: The file that its bytes were copied to before they are removed.
    func note(_ place: Place, lines: Int = 1, bytes: Int64? = nil, keptIn copy: String? = nil) {
        let isFirst = state.withLock { state in
            state.lines = state.lines.addingReportingOverflow(lines).partialValue
            state.first = state.first ?? DurableFolder.lastName(place.path)
            return state.files.insert(place.path).inserted
        }
        guard isFirst else { return }
        var metadata: Logger.Metadata = ["file": "\(place.path)", "byte": "\(place.offset)"]
        if let bytes { metadata["bytes"] = "\(bytes)" }
        if let copy { metadata["copy"] = "\(copy)" }
        logger.error(
            copy == nil
                ? "a line cannot be read and is passed over, perhaps with others; stop the collector and repair it or remove it"
                : "a line cannot be read; its bytes are set aside, perhaps with others",
            metadata: metadata
        )
    }
}

/// The file beside the store that keeps bytes which are no line.
struct SetAside {
    let path: String
    let calls: StorageCalls

    /// Appends a range of a file; whether all of it is on the disk.
    func keep(_ file: ReadableFile, _ range: Range<Int64>) -> Bool {
        var copy = LineFile(path: path, calls: calls)
        defer { copy.close() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let bytes = file.bytes(at: offset, count: Int(min(1 << 20, range.upperBound - offset)))
            guard !bytes.isEmpty else { break }
            guard (try? copy.append(bytes, flush: true)) != nil else { return false }
            offset += Int64(bytes.count)
        }
        return true
    }
}
