// SPDX-License-Identifier: Apache-2.0

public import Dispatch
import OTLP
import Synchronization

/// Lets batches that arrive while a commit is under way share the next one, so that one flush of the disk serves many senders.
///
/// Commits happen one after the other on a dispatch queue, which goes from one to the next without waking anybody in between.
public final class CommitQueue: Sendable {
    private let commit: @Sendable ([Batch]) -> [Result<Void, ConsumeError>]
    private let queue: DispatchQueue
    private let state = Mutex(State())

    /// As many records as one commit takes at most, so that a flood does not make one endless transaction.
    private static let largestGroup = 20_000

    /// As many bytes as one commit takes at most, unless a single batch has more.
    private static let largestSize = 16 << 20

    private struct State {
        var waiting: [Entry] = []
        var isCommitting = false
    }

    private struct Entry {
        var batch: Batch
        var continuation: CheckedContinuation<Result<Void, ConsumeError>, Never>
    }

    /// Creates a queue; `commit` keeps a group of batches and returns a result for each.
    ///
    /// - Parameter queue: A serial queue on which `commit` may block; what else is put there has its turn between two commits.
    public init(on queue: DispatchQueue, commit: @escaping @Sendable ([Batch]) -> [Result<Void, ConsumeError>]) {
        self.queue = queue
        self.commit = commit
    }

    /// Returns when the batch is kept.
    public func submit(_ batch: Batch) async throws(ConsumeError) {
        let result = await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(Entry(batch: batch, continuation: continuation))
                defer { state.isCommitting = true }
                return !state.isCommitting
            }
            if isFirst { queue.async { self.commitNext() } }
        }
        try result.get()
    }

    /// Commits for those that wait by now; who comes meanwhile has the next turn.
    private func commitNext() {
        let group = nextGroup()
        let results = commit(group.map(\.batch))
        let mustGoOn = state.withLock { state in
            state.isCommitting = !state.waiting.isEmpty
            return state.isCommitting
        }
        if mustGoOn { queue.async { self.commitNext() } }
        for (index, entry) in group.enumerated() {
            let result = index < results.count ? results[index] : .failure(.retryable("the store gave no answer"))
            entry.continuation.resume(returning: result)
        }
    }

    private func nextGroup() -> [Entry] {
        state.withLock { state in
            var (records, bytes) = (0, 0)
            let count = state.waiting.prefix { entry in
                records += entry.batch.otlp.records.count
                bytes += entry.batch.otlp.bytes.count
                return records <= Self.largestGroup && bytes <= Self.largestSize
            }.count
            let group = Array(state.waiting.prefix(max(1, count)))
            state.waiting.removeFirst(group.count)
            return group
        }
    }
}
