// SPDX-License-Identifier: Apache-2.0

import CollectorKit
package import NIOCore
import OTLP
import Synchronization

/// Counts the bytes that requests in flight and queues hold together, up to a limit.
///
/// A body is counted as it arrives, whatever length its sender states; the memory for decompressing, indexing and processing it is
/// counted before it is used. So a sender holds only memory for bytes that it has sent. Large bodies that are still arriving leave room
/// for others (``takeIncoming(_:of:)``). Safe to use from any thread.
package final class MemoryBudget: Sendable {
    private let most: Atomic<Int>
    private let used = Atomic<Int>(0)
    /// The part that waits in queues.
    private let waiting = Atomic<Int>(0)
    private let released = Atomic<Int>(0)
    private let pace = Mutex<Pace?>(nil)
    /// The bytes of large bodies that are still arriving, by sender.
    private let incoming = Mutex<[UInt64: Int]>([:])
    /// When memory was last refused, in nanoseconds of uptime; 0 for never.
    private let refused = Atomic<UInt64>(0)

    /// The rate at which memory was released at the last measurement.
    private struct Pace {
        var time: NIODeadline
        var released: Int
        var bytesPerSecond: Double
    }

    /// The longest delay for a sender; by then the present requests have ended.
    private static let longestWait = 30
    /// How long after a refusal the budget counts as refusing.
    private static let memoryOfRefusal = TimeAmount.seconds(30)

    package init(limit: Int) {
        most = Atomic(limit)
    }

    /// The largest number of bytes.
    package var limit: Int {
        get { most.load(ordering: .relaxed) }
        set { most.store(newValue, ordering: .relaxed) }
    }

    /// The bytes held now.
    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// The largest body that fits when nothing else is held.
    var largestBody: Int { limit / 3 * 2 }

    /// An eighth is reserved for small bodies, so that large ones that arrive slowly do not block them.
    private var leftToSmall: Int { limit / 8 }

    /// Whether a body would fit now; reserves nothing.
    func hasRoom(for bytes: Int, isLarge: Bool) -> Bool {
        bytes <= limit - usedBytes - (isLarge ? leftToSmall : 0)
    }

    /// Reserves bytes of a large body that is still arriving; false when they are not available.
    ///
    /// One sender may hold twice as much as is free, so that others find room, however much one of them sends without completing it.
    func takeIncoming(_ bytes: Int, of sender: UInt64) -> Bool {
        incoming.withLock { incoming in
            let own = incoming[sender] ?? 0
            let free = limit - usedBytes
            guard bytes <= free - leftToSmall, own + bytes <= 2 * free, take(bytes) else { return false }
            incoming[sender] = own + bytes
            return true
        }
    }

    /// Records that bytes of a large body are no longer arriving: it is complete, or was abandoned.
    func endIncoming(_ bytes: Int, of sender: UInt64) {
        incoming.withLock { incoming in
            let rest = (incoming[sender] ?? 0) - bytes
            incoming[sender] = rest > 0 ? rest : nil
        }
    }

    /// Records that a sender was refused.
    func noteRefusal(at now: NIODeadline = .now()) {
        refused.store(max(1, now.uptimeNanoseconds), ordering: .relaxed)
    }

    /// Whether senders are being refused.
    package func isRefusing(at now: NIODeadline = .now()) -> Bool {
        let last = refused.load(ordering: .relaxed)
        return last > 0 && now - .uptimeNanoseconds(last) < Self.memoryOfRefusal
    }

    /// Reserves bytes; false when they are not available.
    func take(_ bytes: Int) -> Bool {
        let (_, after) = used.wrappingAdd(bytes, ordering: .relaxed)
        if after <= limit { return true }
        used.wrappingSubtract(bytes, ordering: .relaxed)
        return false
    }

    /// Releases bytes.
    func release(_ bytes: Int) {
        used.wrappingSubtract(bytes, ordering: .relaxed)
        released.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// The expected number of seconds until this many bytes are free, from the rate of releases since the last refusal.
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
        // Nothing is known after the first refusal: a usual request takes far less than a second.
        guard rate > 0 else { return 1 }
        return Int(min(Double(Self.longestWait), max(1, (Double(missing) / rate).rounded(.up))))
    }
}

/// Memory for queues in memory, and for what is read from those on the disk.
extension MemoryBudget: MemoryPool {
    /// A quarter is reserved for requests.
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

/// The memory that one request holds of the budget; released when the object is deallocated.
final class MemoryShare: MemoryAllowance {
    private let budget: MemoryBudget
    private let bytes = Atomic<Int>(0)
    private let refusedTooMuch = Atomic<Bool>(false)

    /// Creates an empty share.
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

    /// Reserves bytes of a large body that is still arriving.
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

/// The arrived bytes of a large body, counted for its sender until the body is complete or abandoned.
///
/// Must be used on the event loop of its connection.
final class IncomingShare {
    private let memory: MemoryShare
    private let budget: MemoryBudget
    /// A hash of the sender's key, or of its address when no keys are required.
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
