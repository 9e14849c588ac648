// SPDX-License-Identifier: Apache-2.0

public import Dispatch
import OTLP
import Synchronization

/// Lets batches that arrive while a commit is under way share the next one, so that one flush of the disk serves many senders.
///
/// Commits happen one after the other on a dispatch queue, which goes from one to the next without waking another thread in between.
public final class CommitQueue: Sendable {
    private let commit: @Sendable ([Batch]) -> [Result<Delivery, ConsumeError>]
    private let queue: DispatchQueue
    private let state = Mutex(State())

    private struct State {
        var waiting: [Entry] = []
        var isCommitting = false
        /// How many have to wait until the next commit begins; 0 when it does not wait.
        var gathering = 0
    }

    /// Signalled when as many wait as were to be gathered.
    private let gathered = DispatchSemaphore(value: 0)
    /// For how many commits no sender is waited for, and how many that will be next time; used by one commit at a time.
    private let timeout = Mutex(Patience())

    private struct Entry {
        var batch: Batch
        var continuation: CheckedContinuation<Result<Delivery, ConsumeError>, Never>
    }

    /// Creates a queue; `commit` keeps a group of batches and returns a result for each, with what the sender is to know.
    ///
    /// - Parameter queue: A serial queue on which `commit` may block; what else is put there has its turn between two commits.
    public init(on queue: DispatchQueue, commit: @escaping @Sendable ([Batch]) -> [Result<Delivery, ConsumeError>]) {
        self.queue = queue
        self.commit = commit
    }

    /// Returns when the batch is kept.
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

    /// Commits for those that wait by now; who comes meanwhile has the next turn.
    private func commitNext() {
        let group = nextGroup()
        let began = DispatchTime.now().uptimeNanoseconds
        let results = commit(group.map(\.batch))
        let time = DispatchTime.now().uptimeNanoseconds - began
        // Where more wait than were committed the next commit is large enough.
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

    /// Waits until those who were just answered wait beside those that did already, but no longer than the commit took.
    ///
    /// Senders that go on at once would else be divided into two halves for ever, each of which waits for the other's flush. A single
    /// sender is never waited for, and none is for a while where they do not come back.
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
        // It was signalled in the last moment.
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

/// The bounds of a group.
private enum Group {
    /// As many records as one commit takes at most, so that a flood does not make one endless transaction.
    static let largest = 20_000

    /// As many bytes as one commit takes at most, unless a single batch has more.
    static let largestSize = 16 << 20

    /// As many nanoseconds as senders that were just answered are waited for at most; those that go on at once need a tenth of that.
    static let longestGathering = 1_000_000
}

/// Whether to wait for senders pays.
private struct Patience {
    private var pause = 0
    private var nextPause = 1

    private static let longestPause = 64

    /// Whether they are waited for this time.
    var isLeft: Bool {
        mutating get {
            guard pause > 0 else { return true }
            pause -= 1
            return false
        }
    }

    /// Notes whether they came.
    mutating func note(_ haveCome: Bool) {
        (pause, nextPause) = haveCome ? (0, 1) : (nextPause, min(Self.longestPause, nextPause * 2))
    }
}
