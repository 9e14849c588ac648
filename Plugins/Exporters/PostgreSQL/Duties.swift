// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization
import Usage
import UsageDatabase

/// Which collectors use the database, and which of them has which duty for a while.
///
/// All times are of the server's clock, so that the clocks of collectors do not matter. Not for several threads at once.
struct Duties {
    let connection: PostgresConnection
    /// The number of this collector.
    let holder: Int64

    /// How long a duty stays with a collector that does nothing.
    static let term: Int64 = 150_000
    /// How long upkeep stays with a collector after one of its steps.
    static let upkeepTerm: Int64 = 60_000
    /// The duty of compacting or repricing, step by step.
    static let upkeep = "upkeep"
    /// The duty of packing the sums of days.
    static let packing = "packing"

    /// The present in milliseconds since 1970.
    private static let now = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

    /// Takes a duty, or keeps it.
    ///
    /// - Returns: Whether this collector has it now, and what the one before left.
    func take(_ name: String, milliseconds: Int64) throws -> (isHeld: Bool, memo: [UInt8]?) {
        let rows = try connection.run(
            """
            INSERT INTO duties AS d (name, holder, until) VALUES ($1, $2, \(Self.now) + $3)
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
                WHERE d.holder = excluded.holder OR d.until < \(Self.now)
            RETURNING memo
            """,
            [.text(name), .int(holder), .int(milliseconds)]
        )
        guard let row = rows.first else { return (false, nil) }
        return (true, row.isNull(0) ? nil : row.blob(0))
    }

    /// Leaves something for the next collector; false when the duty is another one's now.
    func leave(_ memo: [UInt8], of name: String) throws -> Bool {
        try connection.run(
            "UPDATE duties SET memo = $3 WHERE name = $1 AND holder = $2 AND until >= \(Self.now) RETURNING 1",
            [.text(name), .int(holder), .blob(memo)]
        ).count > 0
    }

    /// What was left for a duty.
    static func memo(of name: String, _ connection: PostgresConnection) throws -> [UInt8]? {
        let row = try connection.run("SELECT memo FROM duties WHERE name = $1", [.text(name)]).first
        return row.flatMap { $0.isNull(0) ? nil : $0.blob(0) }
    }

    /// Gives a duty back, so that others need not wait.
    func giveBack(_ name: String) throws {
        try connection.run("UPDATE duties SET until = 0 WHERE name = $1 AND holder = $2", [.text(name), .int(holder)])
    }

    /// Which machine has a duty; nil when none has it or it is not known.
    func machine(with name: String) throws -> String? {
        try connection.run(
            "SELECT c.host FROM duties d JOIN collectors c ON c.id = d.holder WHERE d.name = $1 AND d.until >= \(Self.now)",
            [.text(name)]
        ).first?.text(0)
    }

    // MARK: - Collectors

    /// Says that this collector lives; forgets those that have not said so for a day.
    ///
    /// - Returns: The other ones, the newest first.
    func announce(host: String, version: String) throws -> [StoreCollector] {
        try connection.run(
            """
            INSERT INTO collectors (id, host, version, started_at, seen_at) VALUES ($1, $2, $3, \(Self.now), \(Self.now))
            ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
            """,
            [.int(holder), .text(host), .text(version)]
        )
        try connection.run("DELETE FROM collectors WHERE seen_at < \(Self.now) - 86400000")
        return try connection.run(
            """
            SELECT id, host, version, started_at, seen_at FROM collectors WHERE id <> $1
            ORDER BY seen_at DESC, id LIMIT 100
            """,
            [.int(holder)]
        ).map { row in
            StoreCollector(
                id: String(row.uint(0), radix: 16),
                host: row.text(1) ?? "",
                version: row.text(2) ?? "",
                startedAt: Timestamp(nanoseconds: row.int(3).saturatingMultiplied(by: 1_000_000)),
                lastSeenAt: Timestamp(nanoseconds: row.int(4).saturatingMultiplied(by: 1_000_000))
            )
        }
    }

    /// Says that this collector ends, and gives all its duties back.
    func end() throws {
        try connection.run("UPDATE duties SET until = 0 WHERE holder = $1", [.int(holder)])
        try connection.run("DELETE FROM collectors WHERE id = $1", [.int(holder)])
    }
}

/// That another collector does upkeep now.
struct UpkeepElsewhere: Error {
    /// Its machine.
    var host: String?
}

/// Says at intervals that this collector lives, and remembers which others do.
///
/// Safe to use from any thread.
final class CollectorList: Sendable {
    private let others = Mutex<[StoreCollector]>([])
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// The other collectors as they were known last.
    var all: [StoreCollector] { others.withLock { $0 } }

    /// Begins.
    func start(every interval: Duration, _ announce: @escaping @Sendable () async throws -> [StoreCollector]) {
        let task = Task { [weak self] in
            while !Task.isCancelled {
                // While the database is away the list stays as it was; the health of the store is reported elsewhere.
                if let found = try? await announce() { self?.others.withLock { $0 = found } }
                guard (try? await Task.sleep(for: interval)) != nil else { return }
            }
        }
        self.task.withLock { $0 = task }
    }

    /// Ends.
    func stop() async {
        let task = task.withLock { $0.take() }
        task?.cancel()
        await task?.value
    }
}
