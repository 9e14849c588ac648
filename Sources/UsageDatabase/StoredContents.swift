// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import Usage

/// What a database reads to hand over its contents (`StorePage`): columns of the tables that databases have in common.
package enum StoredContents {
    /// The columns of a session that ``SessionUpdate/init(storedRow:)`` reads.
    package static let sessionColumns = """
        id, sighted, agent, "user", project, machine, team, parent, started_at, last_seen_at, knowledge, name, name_at,
        branch, branch_at, agent_version, agent_version_at, task_status, task_status_at, completed, completed_at,
        reported_cost, reported_cost_at, ref
        """

    /// The column of the row's number among ``sessionColumns``.
    package static let sessionNumber: Int32 = 23
}

extension SessionUpdate {
    /// Reads everything that a row of sessions knows.
    package init(storedRow row: some SQLRow) throws {
        self.init(id: row.text(0) ?? "", time: try row.time(8))
        lastSeen = try row.time(9)
        isImplied = !row.bool(1)
        (agent, user, project) = (row.text(2), row.text(3), row.text(4))
        (machine, team, parent) = (row.text(5), row.text(6), row.text(7))
        provenance = Provenance(rawValue: UInt8(truncatingIfNeeded: row.int(10)))
        func fact(_ column: Int32) -> LastWrite<String>? {
            guard let text = row.text(column), !row.isNull(column + 1) else { return nil }
            return LastWrite(text, at: Timestamp(nanoseconds: row.int(column + 1)))
        }
        (name, branch, agentVersion, taskStatus) = (fact(11), fact(13), fact(15), fact(17))
        if !row.isNull(20) {
            completion = LastWrite(UInt8(clamping: row.int(19)), at: Timestamp(nanoseconds: row.int(20)))
        }
        if !row.isNull(21), !row.isNull(22) {
            reportedCost = LastWrite(try row.money(21), at: Timestamp(nanoseconds: row.int(22)))
        }
    }
}

extension StoredCall {
    /// Reads a call: its session, whether it is priced, its cost, its computed cost, its observations.
    package init(row: some SQLRow, from column: Int32) throws {
        guard let observations = [Observation](stored: row.blob(column + 4)) else { throw row.outOfRange(column + 4) }
        self.init(
            observations: observations,
            price: CallPrice(
                cost: try row.money(column + 2),
                isPriced: row.bool(column + 1),
                computed: row.optionalInt(column + 3).map(Money.init(nanodollars:))
            ),
            isExpired: row.int(column) == FormerCall.expired
        )
    }
}
