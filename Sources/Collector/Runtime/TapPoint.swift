// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Synchronization

/// A point at which a client can watch the batches of a component; it costs nothing without a client.
final class TapPoint: Sendable {
    private struct State {
        var readers: [Int: Reader] = [:]
        var nextReader = 0
        var isEnded = false
        var lastSample: ContinuousClock.Instant?
    }

    private struct Reader {
        let lines: AsyncThrowingStream<[UInt8], any Error>.Continuation
        var left: Int
    }

    private let isWatched = Atomic(false)
    private let state = Mutex(State())

    /// How many clients may watch at once.
    private static let mostReaders = 4
    /// How many samples wait for a client; further ones are left out.
    private static let mostWaiting = 16
    /// Larger batches are not sampled.
    private static let mostBytes = 1 << 20
    private static let interval = Duration.milliseconds(100)

    /// Offers a batch to the watching clients.
    func offer(_ batch: Batch) {
        guard isWatched.load(ordering: .relaxed), batch.otlp.recordCount > 0 else { return }
        let now = ContinuousClock.now
        let readers = state.withLock { state in
            if let last = state.lastSample, now - last < Self.interval { return [Reader]() }
            state.lastSample = now
            for number in state.readers.keys { state.readers[number]?.left -= 1 }
            return Array(state.readers.values)
        }
        guard !readers.isEmpty, batch.otlp.bytes.count <= Self.mostBytes else { return }
        let line = batch.otlp.json() + [UInt8(ascii: "\n")]
        for reader in readers {
            reader.lines.yield(line)
            if reader.left <= 0 { reader.lines.finish() }
        }
    }

    /// Starts a stream of up to `limit` samples, each OTLP/JSON in one line; nil when too many clients watch already.
    func watch(limit: Int) -> AsyncThrowingStream<[UInt8], any Error>? {
        let (stream, lines) = AsyncThrowingStream<[UInt8], any Error>.makeStream(
            bufferingPolicy: .bufferingOldest(Self.mostWaiting)
        )
        let number: Int? = state.withLock { state in
            guard state.readers.count < Self.mostReaders, !state.isEnded else { return nil }
            defer { state.nextReader += 1 }
            state.readers[state.nextReader] = Reader(lines: lines, left: limit)
            isWatched.store(true, ordering: .relaxed)
            return state.nextReader
        }
        guard let number else { return nil }
        lines.onTermination = { [weak self] _ in self?.forget(number) }
        return stream
    }

    private func forget(_ number: Int) {
        state.withLock { state in
            state.readers[number] = nil
            isWatched.store(!state.readers.isEmpty, ordering: .relaxed)
        }
    }

    /// Ends all streams.
    func end() {
        let readers = state.withLock { state in
            state.isEnded = true
            return Array(state.readers.values)
        }
        for reader in readers { reader.lines.finish() }
    }
}
