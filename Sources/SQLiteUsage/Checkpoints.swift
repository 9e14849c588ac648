// SPDX-License-Identifier: Apache-2.0

import Dispatch
import GRDB
import Logging
import Synchronization

/// Moves what commits have written from the log into the database, beside the commits.
///
/// A checkpoint flushes both files and copies megabytes: done by the commit that happens to reach a size, as SQLite does it, one
/// sender in a hundred waits for it. Here a connection of its own copies while commits go on. Only when the log has grown to
/// ``Limits/restart`` a last short step, between two commits, moves the little that came meanwhile, after which the log is written
/// from its beginning again. Commits that are faster than the disk copies wait for it from ``Limits/bound`` on, so that the log does
/// not grow without end unless a reader keeps an old state. A store without commits for a while gets its log cut to nothing. Safe to use from any thread.
package final class Checkpoints: Sendable {
    private let file: DatabaseFile
    private let files: StoreFiles
    private let limits: Limits
    private let logger: Logger
    /// Where commits happen.
    private let commits: DispatchQueue
    private let queue = DispatchQueue(label: "sqlite.checkpoints", qos: .utility)
    private let connection = Mutex<DatabaseQueue?>(nil)
    private let state = Mutex(State())

    /// When checkpoints are made, in pages of the log.
    package struct Limits: Sendable {
        /// How many pages are written before they are copied.
        package var step = 1_000
        /// From how many pages on the log is to begin again.
        package var restart = 4_000
        /// How many pages may be left for the step between two commits.
        package var rest = 256
        /// From how many pages on commits wait for a checkpoint, because they are faster than those beside them.
        package var bound = 16_000
        /// How many seconds without a commit cut the log.
        package var idle = 30.0
        /// How many seconds nothing is tried after a failure.
        package var pause = 5.0
        /// From how many pages on it is said that the log cannot begin again.
        package var warning = 32_000

        package init() {}
    }

    private struct State {
        /// The pages that were there at the newest checkpoint.
        var copied = 0
        /// The pages that were there when commits last waited for one.
        var bounded = 0
        var commits = 0
        var isScheduled = false
        var isIdleAwaited = false
        var isClosed = false
        /// Nothing is tried before.
        var pauseEnd = DispatchTime(uptimeNanoseconds: 0)
        /// No warning is written before.
        var silenceEnd = DispatchTime(uptimeNanoseconds: 0)
    }

    /// How far a checkpoint has come.
    private struct Progress {
        /// The pages of the log.
        var pages: Int
        /// Those of them that are in the database.
        var copied: Int

        var isComplete: Bool { pages == copied }
    }

    init(_ file: DatabaseFile, _ files: StoreFiles, _ limits: Limits, commits: DispatchQueue, logger: Logger) {
        self.file = file
        self.files = files
        self.limits = limits
        self.commits = commits
        self.logger = logger
    }

    /// Notes a commit after which the log has this many pages.
    func noteCommit(pages: Int) {
        let (isDue, isTooMuch, mustAwaitIdle) = state.withLock { state in
            state.commits &+= 1
            // The log has begun again.
            if pages < state.copied { state.copied = 0 }
            if pages < state.bounded { state.bounded = 0 }
            guard !state.isClosed, DispatchTime.now() >= state.pauseEnd else { return (false, false, false) }
            let isDue = !state.isScheduled && pages - state.copied >= limits.step
            let isTooMuch = pages >= limits.bound && pages - state.bounded >= limits.step
            defer {
                if isDue { state.isScheduled = true }
                if isTooMuch { state.bounded = pages }
                state.isIdleAwaited = true
            }
            return (isDue, isTooMuch, !state.isIdleAwaited)
        }
        if isDue { queue.async { self.copy() } }
        // Has its turn before the next commit, and waits for the one beside it.
        if isTooMuch { commits.async { if let progress = self.checkpoint(.passive) { self.warn(progress) } } }
        if mustAwaitIdle { awaitIdle() }
    }

    /// Stops; a checkpoint that is under way is waited for.
    func close() {
        state.withLock { $0.isClosed = true }
        connection.withLock { connection in
            try? connection?.close()
            connection = nil
        }
    }

    // MARK: - Steps

    private func copy() {
        var progress = checkpoint(.passive)
        for _ in 0..<3 {
            guard let found = progress, found.pages >= limits.restart, found.pages - found.copied > limits.rest else {
                break
            }
            progress = checkpoint(.passive)
        }
        guard let progress, progress.pages >= limits.restart, !progress.isComplete else { return finish(progress) }
        // While no commit is under way the last pages can be copied; the next commit then begins the log again.
        commits.async {
            self.finish(self.checkpoint(.passive))
        }
    }

    private func finish(_ progress: Progress?) {
        state.withLock { state in
            state.isScheduled = false
            if let progress { state.copied = progress.pages }
        }
    }

    private func awaitIdle() {
        let seen = state.withLock { $0.commits }
        // Neither the timer nor what it does keeps a store that was closed.
        commits.asyncAfter(deadline: .now() + limits.idle) { [weak self] in self?.cut(ifUnchangedSince: seen) }
    }

    /// Cuts the log if there were no commits; runs between commits.
    private func cut(ifUnchangedSince seen: Int) {
        let (isIdle, isClosed) = state.withLock { ($0.commits == seen, $0.isClosed) }
        guard !isClosed else { return }
        // Where commits went on, or a reader is in the way, there is another time.
        guard isIdle, checkpoint(.truncate) != nil else { return awaitIdle() }
        state.withLock { $0.isIdleAwaited = false }
    }

    /// - Returns: How far it came; nil when it failed, or readers were in the way, or the store is closed.
    private func checkpoint(_ kind: Database.CheckpointMode) -> Progress? {
        connection.withLock { connection in
            guard !state.withLock({ $0.isClosed }), files.look() == .present else { return nil }
            do {
                let database = try connection ?? file.connection()
                connection = database
                var progress: Progress?
                try files.duringCheckpoint {
                    let result = try database.writeWithoutTransaction { try $0.checkpoint(kind) }
                    let found = Progress(pages: result.walFrameCount, copied: result.checkpointedFrameCount)
                    progress = found
                    return found.isComplete
                }
                return progress
            } catch {
                report(error)
                return nil
            }
        }
    }

    private func report(_ error: any Error) {
        let code = (error as? DatabaseError)?.resultCode
        // Readers, a commit under way and other programs are in the way now and then; the next time they are not.
        guard code != .SQLITE_BUSY, code != .SQLITE_LOCKED else { return }
        state.withLock { $0.pauseEnd = .now() + limits.pause }
        guard mayWarn() else { return }
        logger.warning("the log cannot be moved into the database", metadata: ["reason": "\(error)"])
    }

    private func warn(_ progress: Progress) {
        guard !progress.isComplete, progress.pages >= limits.warning, mayWarn() else { return }
        logger.warning(
            "the log of the database cannot begin again while another program reads an old state of it",
            metadata: ["pages": "\(progress.pages)", "left": "\(progress.pages - progress.copied)"]
        )
    }

    /// Once a minute.
    private func mayWarn() -> Bool {
        state.withLock { state in
            guard DispatchTime.now() >= state.silenceEnd else { return false }
            state.silenceEnd = .now() + 60
            return true
        }
    }
}
