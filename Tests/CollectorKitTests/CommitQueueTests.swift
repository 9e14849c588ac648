// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import OTLP
import Synchronization
import Testing
import Usage

struct CommitQueueTests {
    /// A store that refuses what a test sets and records the batches it was given.
    private final class Store: Sendable {
        private let state = Mutex(State())

        private struct State {
            var isCommitting = false
            var overlaps = 0
            var numbers: [Int] = []
        }

        var overlaps: Int { state.withLock(\.overlaps) }
        var numbers: [Int] { state.withLock(\.numbers) }

        func commit(_ batches: [Batch]) -> [Result<Delivery, ConsumeError>] {
            let numbers = batches.map { Int($0.receivedAt.nanoseconds - time(0).nanoseconds) }
            state.withLock { state in
                if state.isCommitting { state.overlaps += 1 }
                state.isCommitting = true
                state.numbers += numbers
            }
            state.withLock { $0.isCommitting = false }
            return numbers.map { $0 % 3 == 0 ? .success(.unkept) : .failure(.permanent("\($0)")) }
        }
    }

    private func batch(_ number: Int) throws -> Batch {
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1"}]}]}]}"#
        return Batch(try OTLPBatch(signal: .logs, json: Array(json.utf8)), receivedAt: time(number))
    }

    private func refusal(of batch: Batch, by queue: CommitQueue) async -> String? {
        do throws(ConsumeError) {
            try await queue.submit(batch)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func `every batch is committed once, one commit at a time, and gets its own answer`() async throws {
        let store = Store()
        let queue = CommitQueue(on: DispatchQueue(label: "commits")) { store.commit($0) }
        let batches = try (0..<300).map(batch)
        let refusals = await withTaskGroup(of: (Int, String?).self) { group in
            for (number, batch) in batches.enumerated() {
                group.addTask { (number, await self.refusal(of: batch, by: queue)) }
            }
            return await group.reduce(into: [Int: String?]()) { $0[$1.0] = .some($1.1) }
        }
        #expect(refusals.count == 300)
        for (number, refusal) in refusals { #expect(refusal == (number % 3 == 0 ? nil : "\(number)")) }
        #expect(store.numbers.sorted() == Array(0..<300))
        #expect(store.overlaps == 0)
    }

    @Test func `senders that go on at once and senders that go away are all answered, each batch once`() async throws {
        let store = Store()
        let queue = CommitQueue(on: DispatchQueue(label: "commits")) { store.commit($0) }
        // The first sender has one batch, the last forty: the number of senders that continue decreases all the time.
        let batches = try (0..<820).map(batch)
        await withTaskGroup(of: Void.self) { group in
            var first = 0
            for count in 1...40 {
                let own = batches[first..<first + count]
                first += count
                group.addTask {
                    for batch in own {
                        _ = await self.refusal(of: batch, by: queue)
                        if count % 3 == 0 { await Task.yield() }
                    }
                }
            }
        }
        #expect(store.numbers.sorted() == Array(0..<820))
        #expect(store.overlaps == 0)
    }

    @Test func `a batch for which the store has no answer is to come again`() async throws {
        let queue = CommitQueue(on: DispatchQueue(label: "commits")) { _ in [] }
        let batch = try batch(0)
        await #expect(throws: ConsumeError.self) { try await queue.submit(batch) }
    }
}

/// When a batch was received.
private func time(_ number: Int) -> Timestamp { Timestamp(nanoseconds: 1_790_000_000_000_000_000 + Int64(number)) }
