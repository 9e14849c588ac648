// SPDX-License-Identifier: Apache-2.0

import CollectorKit
package import NIOCore
import OTLP
import Synchronization

/// The bytes that requests in flight and queues hold together, and how many they may.
///
/// A body is counted as it comes, whatever length its sender states, and what it unfolds to before that happens: the inflated bytes, the
/// index, what processors find. So no sender holds what it has not sent. Large bodies that are still coming leave room for others
/// (``takeIncoming(_:of:)``). Safe to use from any thread.
package final class MemoryBudget: Sendable {
    private let most: Atomic<Int>
    private let used = Atomic<Int>(0)
    /// The part of it that waits in queues.
    private let waiting = Atomic<Int>(0)
    private let released = Atomic<Int>(0)
    private let pace = Mutex<Pace?>(nil)
    /// The bytes of large bodies that are still coming, by sender.
    private let incoming = Mutex<[UInt64: Int]>([:])
    /// When bytes were last refused, in nanoseconds of uptime; 0 for never.
    private let refused = Atomic<UInt64>(0)

    /// How fast memory was given back when that was last looked at.
    private struct Pace {
        var time: NIODeadline
        var released: Int
        var bytesPerSecond: Double
    }

    /// The longest that a sender is put off; by then the present requests have ended one way or another.
    private static let longestWait = 30
    /// For how long after a refusal requests count as being refused.
    private static let memoryOfRefusal = TimeAmount.seconds(30)

    package init(limit: Int) {
        most = Atomic(limit)
    }

    /// How many bytes there are.
    package var limit: Int {
        get { most.load(ordering: .relaxed) }
        set { most.store(newValue, ordering: .relaxed) }
    }

    /// The bytes held now.
    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// The largest body that can be taken when nothing else is held.
    var largestBody: Int { limit / 3 * 2 }

    /// An eighth is left to small bodies, so that large ones that come slowly do not shut them out.
    private var leftToSmall: Int { limit / 8 }

    /// Whether a body would fit now; nothing is taken for it.
    func hasRoom(for bytes: Int, isLarge: Bool) -> Bool {
        bytes <= limit - usedBytes - (isLarge ? leftToSmall : 0)
    }

    /// Takes bytes of a large body that is still coming; false when they are not there.
    ///
    /// All that come from one sender may hold twice as much as is free: so others find room, however much one of them sends and does not
    /// end.
    func takeIncoming(_ bytes: Int, of sender: UInt64) -> Bool {
        incoming.withLock { incoming in
            let own = incoming[sender] ?? 0
            let free = limit - usedBytes
            guard bytes <= free - leftToSmall, own + bytes <= 2 * free, take(bytes) else { return false }
            incoming[sender] = own + bytes
            return true
        }
    }

    /// Notes that bytes of a large body are no longer coming: it is complete, or given up.
    func endIncoming(_ bytes: Int, of sender: UInt64) {
        incoming.withLock { incoming in
            let rest = (incoming[sender] ?? 0) - bytes
            incoming[sender] = rest > 0 ? rest : nil
        }
    }

    /// Notes that a sender was put off.
    func noteRefusal(at now: NIODeadline = .now()) {
        refused.store(max(1, now.uptimeNanoseconds), ordering: .relaxed)
    }

    /// Whether senders are being put off.
    package func isRefusing(at now: NIODeadline = .now()) -> Bool {
        let last = refused.load(ordering: .relaxed)
        return last > 0 && now - .uptimeNanoseconds(last) < Self.memoryOfRefusal
    }

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
    package var mostWaiting: Int { limit - limit / 4 }

    package func mayWait(_ bytes: Int, beside own: Int) -> Bool {
        mayWait(bytes, beside: own, of: waiting.load(ordering: .relaxed))
    }

    private func mayWait(_ bytes: Int, beside own: Int, of all: Int) -> Bool {
        let free = mostWaiting - all
        return bytes <= free && own + bytes <= 2 * free
    }

    package func reserve(_ bytes: Int, beside own: Int) -> Bool {
        let (before, _) = waiting.wrappingAdd(bytes, ordering: .relaxed)
        guard mayWait(bytes, beside: own, of: before) else {
            waiting.wrappingSubtract(bytes, ordering: .relaxed)
            return false
        }
        charge(bytes)
        return true
    }

    package func unreserve(_ bytes: Int) {
        waiting.wrappingSubtract(bytes, ordering: .relaxed)
        release(bytes)
    }

    package func charge(_ bytes: Int) { used.wrappingAdd(bytes, ordering: .relaxed) }

    package func discharge(_ bytes: Int) { release(bytes) }
}

/// What one request holds of the budget; given back when the request has been forgotten.
final class MemoryShare: MemoryAllowance {
    private let budget: MemoryBudget
    private let bytes = Atomic<Int>(0)
    private let refusedTooMuch = Atomic<Bool>(false)

    /// Creates a share of no bytes.
    init(of budget: MemoryBudget) {
        self.budget = budget
    }

    deinit { budget.release(bytes.load(ordering: .relaxed)) }

    var isBeyondLimit: Bool { refusedTooMuch.load(ordering: .relaxed) }

    func take(_ more: Int) -> Bool { count(more, budget.take(more)) }

    func give(_ fewer: Int) {
        bytes.wrappingSubtract(fewer, ordering: .relaxed)
        budget.release(fewer)
    }

    /// Takes bytes of a large body that is still coming.
    func takeIncoming(_ more: Int, of sender: UInt64) -> Bool { count(more, budget.takeIncoming(more, of: sender)) }

    private func count(_ more: Int, _ isTaken: Bool) -> Bool {
        if isTaken {
            bytes.wrappingAdd(more, ordering: .relaxed)
        } else if bytes.load(ordering: .relaxed) + more > budget.limit {
            refusedTooMuch.store(true, ordering: .relaxed)
        } else {
            budget.noteRefusal()
        }
        return isTaken
    }
}

/// What of a large body has come so far, counted for its sender until the body is complete or given up.
///
/// Belongs to the event loop of its connection.
final class IncomingShare {
    private let memory: MemoryShare
    private let budget: MemoryBudget
    /// A hash of the sender's key, or of its address where no keys are asked for.
    private let sender: UInt64
    private var bytes = 0

    init(_ memory: MemoryShare, of budget: MemoryBudget, sender: UInt64) {
        (self.memory, self.budget, self.sender) = (memory, budget, sender)
    }

    deinit { budget.endIncoming(bytes, of: sender) }

    func take(_ more: Int) -> Bool {
        guard memory.takeIncoming(more, of: sender) else { return false }
        bytes += more
        return true
    }
}
