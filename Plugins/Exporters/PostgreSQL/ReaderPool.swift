// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Connections that read, each with a thread of its own on which it may block.
///
/// A question runs in one read-only transaction and sees one state of the database. Safe to use from many tasks.
final class ReaderPool: Sendable {
    private let open: @Sendable () throws -> PostgresConnection
    /// What a transaction begins with.
    private let beginning: String
    private let slots: [Slot]
    /// How many questions each slot has.
    private let pending: Mutex<[Int]>
    /// Called when a connection broke: what is remembered may be of a state that is lost.
    private let onLoss: @Sendable () -> Void

    private final class Slot: Sendable {
        let queue: DispatchQueue
        let connection = Mutex<PostgresConnection?>(nil)

        init(_ number: Int) { queue = DispatchQueue(label: "postgresql.reader.\(number)") }
    }

    init(
        _ count: Int,
        schema: String,
        onLoss: @escaping @Sendable () -> Void,
        open: @escaping @Sendable () throws -> PostgresConnection
    ) {
        (self.open, self.onLoss) = (open, onLoss)
        beginning = """
            BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = \(schema); \
            SET LOCAL statement_timeout = '120s'; SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL jit = off
            """
        slots = (0..<max(1, count)).map(Slot.init)
        pending = Mutex([Int](repeating: 0, count: max(1, count)))
    }

    /// Answers a question in a transaction of its own; one that breaks with its connection is asked once more.
    func read<Answer: Sendable>(_ ask: @escaping @Sendable (PostgresConnection) throws -> Answer) async throws -> Answer
    {
        let place = pending.withLock { pending in
            let place = pending.indices.min { pending[$0] < pending[$1] } ?? 0
            pending[place] += 1
            return place
        }
        defer { pending.withLock { $0[place] -= 1 } }
        let slot = slots[place]
        let result = await withCheckedContinuation { continuation in
            slot.queue.async { continuation.resume(returning: Result { try self.run(ask, slot) }) }
        }
        return try result.get()
    }

    private func run<Answer>(_ ask: (PostgresConnection) throws -> Answer, _ slot: Slot) throws -> Answer {
        do {
            return try once(ask, slot)
        } catch {
            guard PostgresFault(error).losesConnection else { throw error }
            return try once(ask, slot)
        }
    }

    private func once<Answer>(_ ask: (PostgresConnection) throws -> Answer, _ slot: Slot) throws -> Answer {
        try slot.connection.withLock { held in
            let connection = try held ?? open()
            held = connection
            do {
                try connection.execute(beginning)
                let answer = try ask(connection)
                try connection.execute("COMMIT")
                return answer
            } catch {
                if PostgresFault(error).losesConnection || !connection.isOpen {
                    held = nil
                    onLoss()
                } else {
                    do { try connection.execute("ROLLBACK") } catch { held = nil }
                }
                throw error
            }
        }
    }

    /// Closes the connections; questions under way are waited for.
    func close() async {
        for slot in slots {
            await withCheckedContinuation { continuation in
                slot.queue.async {
                    slot.connection.withLock { $0 = nil }
                    continuation.resume()
                }
            }
        }
    }
}
