// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import NIOCore
import Testing

@testable import HTTPServer

/// The memory budget of requests in flight and queues.
struct MemoryBudgetTests {
    @Test func `bytes that do not fit are refused, and released bytes are free again`() {
        let budget = MemoryBudget(limit: 100)
        var first: MemoryShare? = MemoryShare(of: budget)
        #expect(first?.take(60) == true)
        let second = MemoryShare(of: budget)
        #expect(!second.take(41))
        #expect(!second.isBeyondLimit)
        #expect(first?.take(40) == true)
        #expect(first?.take(1) == false)
        #expect(first?.isBeyondLimit == true)
        #expect(budget.usedBytes == 100)
        first?.give(30)
        #expect(budget.usedBytes == 70)
        first = nil
        #expect(budget.usedBytes == 0)
    }

    @Test func `one sender holds two thirds with bodies that do not end, and others find room beside it`() {
        let budget = MemoryBudget(limit: 1_200)
        let share = MemoryShare(of: budget)
        var slow: IncomingShare? = IncomingShare(share, of: budget, sender: 1)
        var taken = 0
        while slow?.take(10) == true { taken += 10 }
        #expect(taken == 800)
        // Many connections of one sender share one limit.
        let more = IncomingShare(MemoryShare(of: budget), of: budget, sender: 1)
        #expect(!more.take(10))
        let other = IncomingShare(MemoryShare(of: budget), of: budget, sender: 2)
        #expect(other.take(200))
        // An eighth is reserved for small bodies, whose sender does not matter.
        #expect(!other.take(100))
        #expect(MemoryShare(of: budget).take(150))
        // A complete body no longer counts for its sender, but is still held.
        slow = nil
        #expect(budget.usedBytes == 1_000)
        #expect(more.take(10))
    }

    @Test func `health says for half a minute that senders are put off`() {
        let budget = MemoryBudget(limit: 100)
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        #expect(!budget.isRefusing(at: start))
        budget.noteRefusal(at: start)
        #expect(budget.isRefusing(at: start + .seconds(29)))
        #expect(!budget.isRefusing(at: start + .seconds(31)))
        // A request that never fits is no sign of a shortage.
        let share = MemoryShare(of: MemoryBudget(limit: 100))
        #expect(!share.take(101))
        #expect(!budget.isRefusing(at: start + .seconds(31)))
    }

    @Test func `a sender is put off for as long as memory takes to be given back`() {
        let budget = MemoryBudget(limit: 1_000)
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        #expect(budget.take(1_000))
        #expect(budget.retryAfter(for: 500, at: start) == 1)
        budget.release(200)
        #expect(budget.take(200))
        // 100 bytes a second are released, and 500 are missing.
        #expect(budget.retryAfter(for: 500, at: start + .seconds(2)) == 5)
        #expect(budget.retryAfter(for: 500, at: start + .seconds(1_000)) == 1)
        budget.release(1)
        #expect(budget.take(1))
        #expect(budget.retryAfter(for: 500, at: start + .seconds(1_002)) == 30)
    }

    // MARK: - Queues

    @Test func `what waits has three quarters of the memory at most, the rest is for requests`() {
        let budget = MemoryBudget(limit: 100)
        #expect(budget.mostWaiting == 75)
        #expect(budget.reserve(75, beside: 0))
        #expect(!budget.mayWait(1, beside: 0) && !budget.reserve(1, beside: 0))
        #expect(budget.usedBytes == 75)
        #expect(budget.take(25))
        #expect(!budget.take(1))
        budget.unreserve(10)
        // A batch waits in the queue before its request has released its memory.
        #expect(budget.reserve(10, beside: 0))
        #expect(budget.usedBytes == 100)
        budget.release(25)
        budget.unreserve(75)
        #expect(budget.usedBytes == 0)
        #expect(budget.mayWait(75, beside: 0))
    }

    @Test func `queues that do not move leave room for the others`() {
        let budget = MemoryBudget(limit: 4_000)
        var queues = [Int](repeating: 0, count: 5)
        for queue in queues.indices {
            while budget.reserve(1, beside: queues[queue]) { queues[queue] += 1 }
            #expect(queues[queue] > 0)
        }
        #expect(queues[0] == 2_000)
        #expect(queues.reduce(0, +) < budget.mostWaiting)
        // The next one fits, too.
        #expect(budget.mayWait(1, beside: 0))
    }

    @Test func `bytes in flight are counted and never refused`() {
        let budget = MemoryBudget(limit: 100)
        #expect(budget.reserve(75, beside: 0))
        budget.charge(50)
        #expect(budget.usedBytes == 125)
        #expect(!budget.take(1))
        budget.discharge(50)
        #expect(budget.take(25))
    }

    @Test func `a smaller limit is in force for what waits, too`() {
        let budget = MemoryBudget(limit: 1_000)
        #expect(budget.reserve(500, beside: 0))
        budget.limit = 400
        #expect(!budget.reserve(1, beside: 0))
        budget.unreserve(500)
        #expect(budget.reserve(200, beside: 0))
    }
}
