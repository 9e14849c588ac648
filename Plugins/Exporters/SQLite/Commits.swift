// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import GRDB
import Synchronization

/// The transactions of an open database, one after the other.
final class Commits: Sendable {
    let pool: DatabasePool
    private let writer: Mutex<StoreWriter>

    init(pool: DatabasePool, keepsRecords: Bool) {
        self.pool = pool
        writer = Mutex(StoreWriter(keepsRecords: keepsRecords))
    }

    /// Where batches are handed in.
    func makeQueue() -> CommitQueue {
        CommitQueue(on: DispatchQueue(label: "sqlite.commits")) { self.keep($0) }
    }

    /// Keeps a group of batches in one transaction; if that fails, each by itself, so that one cannot spoil the others.
    private func keep(_ batches: [Batch]) -> [Result<Void, ConsumeError>] {
        do {
            try changeNow { db, writer in try writer.write(batches, to: db) }.note()
            return batches.map { _ in .success(()) }
        } catch {
            let failure = ConsumeError(storing: error)
            guard batches.count > 1, !failure.isRetryable else { return batches.map { _ in .failure(failure) } }
            var results: [Result<Void, ConsumeError>] = []
            for batch in batches { results += keep([batch]) }
            return results
        }
    }

    /// Runs a transaction; what the writer remembers is dropped if it fails.
    func change<Value: Sendable>(
        _ work: @escaping @Sendable (Database, inout StoreWriter) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.write { [self] db in try writer.withLock { try work(db, &$0) } }
        } catch {
            writer.withLock { $0.forget() }
            throw error
        }
    }

    /// The same where the thread may block.
    private func changeNow<Value: Sendable>(_ work: (Database, inout StoreWriter) throws -> Value) throws -> Value {
        do {
            return try pool.write { db in try writer.withLock { try work(db, &$0) } }
        } catch {
            writer.withLock { $0.forget() }
            throw error
        }
    }
}
