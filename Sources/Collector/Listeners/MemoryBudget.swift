// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import NIOCore
import Synchronization

/// The bytes that requests in flight and queues hold together, and how many they may.
///
/// A body whose length is stated is counted before it is read, one in chunks as it comes, and what it inflates to as it does.
final class MemoryBudget: Sendable {
    private let most: Atomic<Int>
    private let used = Atomic<Int>(0)
    /// The part of it that waits in queues.
    private let waiting = Atomic<Int>(0)
    private let released = Atomic<Int>(0)
    private let pace = Mutex<Pace?>(nil)

    /// How fast memory was given back when that was last looked at.
    private struct Pace {
        var time: NIODeadline
        var released: Int
        var bytesPerSecond: Double
    }

    /// The longest that a sender is put off; by then the present requests have ended one way or another.
    private static let longestWait = 30

    init(limit: Int) {
        most = Atomic(limit)
    }

    /// How many bytes there are.
    var limit: Int {
        get { most.load(ordering: .relaxed) }
        set { most.store(newValue, ordering: .relaxed) }
    }

    /// The bytes held now.
    var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Takes bytes; false when they are not there.
    func take(_ bytes: Int) -> Bool {
        let (_, after) = used.wrappingAdd(bytes, ordering: .relaxed)
        if after <= limit { return true }
        used.wrappingSubtract(bytes, ordering: .relaxed)
        return false
    }

    /// Gives bytes back.
    func release(_ bytes: Int) {
        used.wrappingSubtract(bytes, ordering: .relaxed)
        released.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// After how many seconds so many bytes will be there, going by how fast memory was given back since the last refusal.
    func retryAfter(for bytes: Int, at now: NIODeadline = .now()) -> Int {
        let missing = max(0, usedBytes + bytes - limit)
        let total = released.load(ordering: .relaxed)
        let rate = pace.withLock { pace in
            guard let last = pace else {
                pace = Pace(time: now, released: total, bytesPerSecond: 0)
                return 0.0
            }
            let seconds = Double((now - last.time).nanoseconds) / 1e9
            if seconds >= 1 {
                pace = Pace(time: now, released: total, bytesPerSecond: Double(total - last.released) / seconds)
            }
            return pace?.bytesPerSecond ?? 0
        }
        // Nothing is known after the first refusal: the usual request takes far less than a second.
        guard rate > 0 else { return 1 }
        return Int(min(Double(Self.longestWait), max(1, (Double(missing) / rate).rounded(.up))))
    }
}

/// Queues in memory, and what is read from those on the disk.
extension MemoryBudget: MemoryPool {
    /// A quarter is left to requests.
    var mostWaiting: Int { limit - limit / 4 }

    func mayWait(_ bytes: Int, beside own: Int) -> Bool {
        mayWait(bytes, beside: own, of: waiting.load(ordering: .relaxed))
    }

    private func mayWait(_ bytes: Int, beside own: Int, of all: Int) -> Bool {
        let free = mostWaiting - all
        return bytes <= free && own + bytes <= 2 * free
    }

    func reserve(_ bytes: Int, beside own: Int) -> Bool {
        let (before, _) = waiting.wrappingAdd(bytes, ordering: .relaxed)
        guard mayWait(bytes, beside: own, of: before) else {
            waiting.wrappingSubtract(bytes, ordering: .relaxed)
            return false
        }
        charge(bytes)
        return true
    }

    func unreserve(_ bytes: Int) {
        waiting.wrappingSubtract(bytes, ordering: .relaxed)
        release(bytes)
    }

    func charge(_ bytes: Int) { used.wrappingAdd(bytes, ordering: .relaxed) }

    func discharge(_ bytes: Int) { release(bytes) }
}

/// What one request holds of the budget; given back when nobody holds the request any more.
final class MemoryShare: MemoryAllowance {
    private let budget: MemoryBudget
    private let bytes: Atomic<Int>

    /// Takes a share; nil when the bytes are not there.
    init?(_ bytes: Int, of budget: MemoryBudget) {
        guard budget.take(bytes) else { return nil }
        self.budget = budget
        self.bytes = Atomic(bytes)
    }

    deinit { budget.release(bytes.load(ordering: .relaxed)) }

    func take(_ more: Int) -> Bool {
        guard budget.take(more) else { return false }
        bytes.wrappingAdd(more, ordering: .relaxed)
        return true
    }
}
