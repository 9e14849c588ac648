// SPDX-License-Identifier: Apache-2.0

import OTLP
import Synchronization

/// Lets batches that arrive while a commit is under way share the next one, so that one flush of the disk serves many senders.
///
/// Whoever comes first commits for all that wait by then and hands the office on; there is no task of its own.
public final class CommitQueue: Sendable {
    private let commit: @Sendable ([Batch]) async -> [Result<Void, ConsumeError>]
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
        var continuation: CheckedContinuation<Turn, Never>
    }

    private enum Turn {
        case done(Result<Void, ConsumeError>)
        case commit([Entry])
    }

    /// Creates a queue; `commit` keeps a group of batches and returns a result for each.
    public init(commit: @escaping @Sendable ([Batch]) async -> [Result<Void, ConsumeError>]) {
        self.commit = commit
    }

    /// Returns when the batch is kept.
    public func submit(_ batch: Batch) async throws(ConsumeError) {
        let mine = state.withLock { state in
            guard !state.isCommitting else { return false }
            state.isCommitting = true
            return true
        }
        if mine {
            let results = await commit([batch])
            passOn()
            return try Self.value(results.first)
        }
        let turn = await withCheckedContinuation { continuation in
            let entry = Entry(batch: batch, continuation: continuation)
            let idle = state.withLock { state in
                state.waiting.append(entry)
                defer { state.isCommitting = true }
                return !state.isCommitting
            }
            // The commit under way may have ended since the first look.
            if idle { passOn() }
        }
        switch turn {
        case .done(let result): try Self.value(result)
        case .commit(let group): try Self.value(await commit(group))
        }
    }

    /// Commits for a group, the first entry of which is the caller's, and answers the others.
    private func commit(_ group: [Entry]) async -> Result<Void, ConsumeError>? {
        let results = await commit(group.map(\.batch))
        passOn()
        for (entry, result) in zip(group, results).dropFirst() { entry.continuation.resume(returning: .done(result)) }
        return results.first
    }

    /// Gives the next commit to the first that waits, or ends the office.
    private func passOn() {
        let group = state.withLock { state -> [Entry] in
            var (records, bytes) = (0, 0)
            let count = state.waiting.prefix { entry in
                records += entry.batch.otlp.records.count
                bytes += entry.batch.otlp.bytes.count
                return records <= Self.largestGroup && bytes <= Self.largestSize
            }.count
            let group = Array(state.waiting.prefix(max(1, count)))
            state.waiting.removeFirst(group.count)
            state.isCommitting = !group.isEmpty
            return group
        }
        group.first?.continuation.resume(returning: .commit(group))
    }

    private static func value(_ result: Result<Void, ConsumeError>?) throws(ConsumeError) {
        guard let result else { throw .retryable("the store gave no answer") }
        try result.get()
    }
}
