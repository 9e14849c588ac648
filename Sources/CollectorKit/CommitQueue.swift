// SPDX-License-Identifier: Apache-2.0

public import Dispatch
import OTLP
import Synchronization

/// Joins batches that arrive during a commit into the next one, so that one flush of the disk serves many senders.
///
/// Commits run one after the other on a dispatch queue, without waking another thread in between.
public final class CommitQueue: Sendable {
    private let commit: @Sendable ([Batch]) -> [Result<Delivery, ConsumeError>]
    private let queue: DispatchQueue
    private let state = Mutex(State())

    private struct State {
        var waiting: [Entry] = []
        var isCommitting = false
        /// How many batches must wait before the next commit begins; 0 when it does not wait.
        var gathering = 0
    }

    /// Signalled when enough batches wait.
    private let gathered = DispatchSemaphore(value: 0)
    /// Whether commits wait for senders; used by one commit at a time.
    private let timeout = Mutex(CommitTimeout())

    private struct Entry {
        var batch: Batch
        var continuation: CheckedContinuation<Result<Delivery, ConsumeError>, Never>
    }

    /// Creates a queue; `commit` stores a group of batches and returns a result for each, with its delivery.
    ///
    /// - Parameter queue: A serial queue on which `commit` may block; other work on it runs between two commits.
    public init(on queue: DispatchQueue, commit: @escaping @Sendable ([Batch]) -> [Result<Delivery, ConsumeError>]) {
        self.queue = queue
        self.commit = commit
    }

    /// Returns when the batch is stored.
    @discardableResult public func submit(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        let result = await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(Entry(batch: batch, continuation: continuation))
                if state.gathering > 0, state.waiting.count >= state.gathering {
                    state.gathering = 0
                    gathered.signal()
                }
                defer { state.isCommitting = true }
                return !state.isCommitting
            }
            if isFirst { queue.async { self.commitNext() } }
        }
        return try result.get()
    }

    /// Commits the batches that wait now; those that arrive meanwhile are in the next commit.
    private func commitNext() {
        let group = nextGroup()
        let began = DispatchTime.now().uptimeNanoseconds
        let results = commit(group.map(\.batch))
        let time = DispatchTime.now().uptimeNanoseconds - began
        // When more batches wait than were just committed, the next commit is large enough.
        let wanted = state.withLock { $0.waiting.count <= group.count ? $0.waiting.count + group.count : 0 }
        for (index, entry) in group.enumerated() {
            let result = index < results.count ? results[index] : .failure(.retryable("the store gave no answer"))
            entry.continuation.resume(returning: result)
        }
        if wanted > 1 { gather(wanted, within: min(Int(clamping: time), Group.longestGathering)) }
        let mustGoOn = state.withLock { state in
            state.isCommitting = !state.waiting.isEmpty
            return state.isCommitting
        }
        if mustGoOn { queue.async { self.commitNext() } }
    }

    /// Waits until senders that were just answered have sent again, but no longer than the last commit took.
    ///
    /// Otherwise senders that continue at once would stay divided into two halves, each waiting for the other's flush. A single sender is
    /// never waited for, and for a while none is after senders did not return.
    private func gather(_ wanted: Int, within nanoseconds: Int) {
        guard timeout.withLock({ $0.isLeft }) else { return }
        let mustWait = state.withLock { state in
            state.gathering = state.waiting.count < wanted ? wanted : 0
            return state.gathering > 0
        }
        guard mustWait else { return }
        let isWhole = gathered.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success
        let isLate = state.withLock { state in
            defer { state.gathering = 0 }
            return !isWhole && state.gathering == 0
        }
        // The semaphore was signalled at the last moment.
        if isLate { gathered.wait() }
        timeout.withLock { $0.note(isWhole || isLate) }
    }

    private func nextGroup() -> [Entry] {
        state.withLock { state in
            var (records, bytes) = (0, 0)
            let count = state.waiting.prefix { entry in
                records += entry.batch.otlp.records.count
                bytes += entry.batch.otlp.bytes.count
                return records <= Group.largest && bytes <= Group.largestSize
            }.count
            let group = Array(state.waiting.prefix(max(1, count)))
            state.waiting.removeFirst(group.count)
            return group
        }
    }
}

/// The limits of a group.
private enum Group {
    /// The most records in one commit, so that a burst does not become one endless transaction.
    static let largest = 20_000

    /// The most bytes in one commit, unless a single batch has more.
    static let largestSize = 16 << 20

    /// The longest wait for senders in nanoseconds; senders that continue at once need a tenth of it.
    static let longestGathering = 1_000_000
}

/// Decides whether waiting for senders is worthwhile.
private struct CommitTimeout {
    private var pause = 0
    private var nextPause = 1

    private static let longestPause = 64

    /// Whether this commit waits for senders.
    var isLeft: Bool {
        mutating get {
            guard pause > 0 else { return true }
            pause -= 1
            return false
        }
    }

    /// Records whether they came.
    mutating func note(_ haveCome: Bool) {
        (pause, nextPause) = haveCome ? (0, 1) : (nextPause, min(Self.longestPause, nextPause * 2))
    }
}
