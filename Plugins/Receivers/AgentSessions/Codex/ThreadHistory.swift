// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Separates the calls that a thread of Codex made from those that its file repeats from the thread it continues.
///
/// A fork's file can begin with all `token_count` events of its parent, with their times or with new ones (ccusage/ccusage#1460). What
/// matches the parent's history is a copy; with the first event that does not, the thread's own turns have begun, and from then on
/// nothing is a copy, however equal the figures of two forks are (junhoyeo/tokscale#679).
///
/// It is decided once, when a line is read, by the files that are there then: a file of the parent that comes later, such as one that is
/// put back from a backup, is compared with no call that was read before. Within one scan the order of the files does not matter.
struct ThreadHistory {
    /// The thread itself.
    let thread: String
    /// Whether the thread continues another one's history; a spawned sub-agent begins with one of its own.
    let isFork: Bool
    /// When the thread was made, in nanoseconds since 1970; zero when that is not known.
    let created: Int64
    /// Who made the calls that the file of the nearest ancestor has, by the total behind each; nil when no ancestor has a file.
    let parent: ThreadTotals?
    private(set) var progress: Progress

    /// What has to be remembered to go on later.
    struct Progress: Equatable {
        /// Whether the thread's own turns have begun.
        var hasOwnTurn = false
        /// Whether copies with the times of their originals were met.
        var hasOldCopies = false
    }

    init(
        thread: String,
        isFork: Bool,
        created: Int64,
        parent: ThreadTotals?,
        progress: Progress = Progress()
    ) {
        (self.thread, self.isFork, self.created) = (thread, isFork, created)
        self.parent = parent
        self.progress = progress
    }

    /// The thread that made the call behind which this total is written.
    ///
    /// - Returns: The ancestor of a copy, nil when a copy cannot be distinguished from an own call.
    mutating func maker(of total: TokenVector, at time: Timestamp) -> String? {
        if progress.hasOwnTurn { return thread }
        if let parent {
            if let maker = parent.maker(of: total, madeBefore: created) { return maker }
        } else if created > 0, time.nanoseconds < created {
            progress.hasOldCopies = true
            return nil
        } else if isFork, !progress.hasOldCopies {
            return nil
        }
        progress.hasOwnTurn = true
        return thread
    }
}

/// The threads whose history a thread continues, the nearest first, as far as its file names them.
///
/// A fork's file begins with its own `session_meta`; behind it come those of its ancestors, which were copied with their history, from
/// the parent to the oldest. So a grandparent is known even where the parent's file is gone.
struct ThreadAncestors: Equatable {
    private(set) var names: [String] = []

    /// As many are remembered.
    static let most = 16

    var oldest: String? { names.last }

    /// Takes in an ancestor; the thread itself is none.
    mutating func add(_ name: String?, of thread: String) {
        guard let name, name != thread, names.count < Self.most, !names.contains(name) else { return }
        names.append(name)
    }

    /// Takes in what a copied `session_meta` names: an ancestor, and the one before it.
    mutating func add(_ copy: RolloutLine.Payload, of thread: String) {
        guard let ancestor = copy.id?.string, ancestor != thread else { return }
        add(ancestor, of: thread)
        add(copy.parent(of: ancestor), of: thread)
    }
}

/// Who made the calls of a rollout, by the total behind each.
final class ThreadTotals {
    private var calls: [UInt64: (maker: String, time: Timestamp)] = [:]
    private var earliest = Timestamp(nanoseconds: .max)

    /// A file with more totals than this is known in part only.
    private static let capacity = 1 << 18

    fileprivate init() {}

    /// The thread that made the call behind a total; nil when no call of the file has it that a fork can have copied.
    ///
    /// - Parameter instant: When the fork was made: what its parent did later is no copy, however equal. A fork that was made before
    ///     its parent's first call has no time that can be believed.
    fileprivate func maker(of total: TokenVector, madeBefore instant: Int64) -> String? {
        guard let call = calls[Self.hash(total)] else { return nil }
        return instant < earliest.nanoseconds || call.time.nanoseconds <= instant ? call.maker : nil
    }

    fileprivate func add(_ total: TokenVector, by maker: String, at time: Timestamp) {
        guard calls.count < Self.capacity else { return }
        earliest = min(earliest, time)
        let key = Self.hash(total)
        if calls[key] == nil { calls[key] = (maker, time) }
    }

    private static func hash(_ total: TokenVector) -> UInt64 {
        var hash = StableHash(domain: "thread-total")
        for value in total.values { hash.combine(value) }
        return hash.value
    }
}

/// Finds and reads the files of the threads that forks continue; a pass of a scan has one.
final class ThreadHistories {
    private var files: [String: FoundFile] = [:]
    private var read: [String: ThreadTotals?] = [:]
    /// The threads that were read, in order, to forget the oldest.
    private var order: [String] = []

    /// As many histories are remembered: forks of one parent lie near each other.
    private static let capacity = 16
    /// A chain of forks is followed so far.
    private static let deepest = 16

    /// Notes where the files of threads lie.
    func add(_ file: FoundFile) {
        if file.agent == .codex { files[SessionPlace(file).session] = file }
    }

    /// The totals of the nearest ancestor whose file is there and can be read; nil when there is none.
    func totals(of ancestors: ThreadAncestors) -> ThreadTotals? { totals(of: ancestors, depth: 0) }

    private func totals(of ancestors: ThreadAncestors, depth: Int) -> ThreadTotals? {
        ancestors.names.lazy.compactMap { self.totals(of: $0, depth: depth) }.first
    }

    private func totals(of thread: String, depth: Int) -> ThreadTotals? {
        if let known = read[thread] { return known }
        guard depth < Self.deepest, let file = files[thread] else { return nil }
        // A thread that names itself as its ancestor, by whatever way, has no history of it.
        read[thread] = .some(nil)
        let totals = try? totals(in: file, depth: depth)
        read[thread] = .some(totals)
        order.append(thread)
        if order.count > Self.capacity { read[order.removeFirst()] = nil }
        return totals
    }

    private func totals(in file: FoundFile, depth: Int) throws(FileStream.Failure) -> ThreadTotals {
        let stream = try FileStream(file)
        let buffer = LineBuffer()
        let totals = ThreadTotals()
        var origin: Origin?
        var history: ThreadHistory?
        var instants = InstantReader()
        while true {
            switch buffer.next() {
            case .line(let line):
                guard let line = try? line.object(), RolloutLine.isOfInterest(line),
                    let parsed = try? RolloutLine(line), let payload = parsed.payload
                else { continue }
                let time = parsed.timestamp.flatMap { instants.instant($0) } ?? Timestamp(nanoseconds: 0)
                if parsed.type?.equals("session_meta") == true {
                    if origin == nil {
                        origin = Origin(payload, file, time)
                    } else if let thread = origin?.thread {
                        origin?.ancestors.add(payload, of: thread)
                    }
                } else if let total = payload.threadUsage, let maker = payload.thread?.string ?? origin?.thread {
                    totals.add(total, by: maker, at: time)
                } else if let total = payload.total, let origin {
                    // The ancestors are known only now: all that are named come before the first total.
                    var known = history ?? self.history(origin, depth: depth)
                    if let maker = known.maker(of: total, at: time) { totals.add(total, by: maker, at: time) }
                    history = known
                }
            case .omitted: continue
            case .more:
                let count = try buffer.fill { target throws(FileStream.Failure) in try stream.read(into: target) }
                if count == 0 { return totals }
            }
        }
    }

    private func history(_ origin: Origin, depth: Int) -> ThreadHistory {
        var progress = ThreadHistory.Progress()
        progress.hasOwnTurn = origin.hasOwnTurn
        return ThreadHistory(
            thread: origin.thread,
            isFork: origin.isFork,
            created: origin.created.nanoseconds,
            parent: origin.hasOwnTurn ? nil : totals(of: origin.ancestors, depth: depth + 1),
            progress: progress
        )
    }

    /// What the first lines of a file say of its thread.
    private struct Origin {
        let thread: String
        let isFork: Bool
        let created: Timestamp
        let hasOwnTurn: Bool
        var ancestors = ThreadAncestors()

        init(_ meta: RolloutLine.Payload, _ file: FoundFile, _ time: Timestamp) {
            thread = meta.id?.string ?? SessionPlace(file).session
            (isFork, created) = (meta.forkedFrom != nil, time)
            let parent = meta.parent(of: thread)
            hasOwnTurn = parent == nil || (meta.historyStart ?? 0) > 0
            ancestors.add(parent, of: thread)
        }
    }
}

extension RolloutLine.Payload {
    /// The thread that started this one or that it continues.
    func parent(of thread: String) -> String? {
        [forkedFrom, parentThread, spawnParent].lazy.compactMap { $0?.string }.first { $0 != thread }
    }
}
