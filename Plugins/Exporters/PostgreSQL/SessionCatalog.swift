// SPDX-License-Identifier: Apache-2.0

import Usage
import UsageDatabase

/// The rows of sessions by their ids, and what is to be written about them.
///
/// Belongs to the writer; what was added in a transaction that failed must not be remembered.
struct SessionCatalog {
    private var positions: [SessionKey: Int] = [:]
    private var slots: [Slot] = []
    /// The slots that have something to write, or whose row is wanted.
    private var touched: Set<Int> = []

    /// A session's row, and the names by which its calls are summed.
    private struct Row {
        var ref: Int64
        var names = SessionNames()
        /// Whether it is added by the transaction that is open.
        var isNew = false
    }

    private struct Slot {
        let key: SessionKey
        var row: Row?
        var update: SessionUpdate?
        /// Whether a record names the session, not only a call.
        var isSighted = false
    }

    /// How many sessions are remembered at most.
    private static let capacity = 8_192

    // MARK: - Noting

    /// Takes in what an observation reports of its session.
    mutating func note(_ observation: Observation) {
        guard let session = observation.session else { return }
        let position = slot(SessionKey(id: session))
        if slots[position].update?.merge(observation) == nil, let update = observation.sessionUpdate {
            note(update, position)
        }
    }

    /// Takes in a session that a record names.
    mutating func note(_ update: SessionUpdate) {
        let position = slot(SessionKey(id: update.id))
        if !update.isImplied { slots[position].isSighted = true }
        note(update, position)
    }

    /// Notes that a call is written; calls without a session share a hidden row for each agent, user, project, machine and team.
    mutating func note(_ call: Call) {
        let position = slot(Self.key(of: call))
        touched.insert(position)
        if let update = slots[position].key.update(by: call) { note(update, position) }
    }

    /// Where the calls of a session are kept.
    static func key(of call: Call) -> SessionKey { SessionKey(of: call, namesAbsentTeam: true) }

    private mutating func note(_ update: SessionUpdate, _ position: Int) {
        touched.insert(position)
        if slots[position].update == nil {
            slots[position].update = update
        } else {
            slots[position].update?.merge(update)
        }
    }

    private mutating func slot(_ key: SessionKey) -> Int {
        if let known = positions[key] { return known }
        positions[key] = slots.count
        slots.append(Slot(key: key))
        return slots.count - 1
    }

    // MARK: - Writing

    /// The row of a session that was noted and found.
    func row(_ key: SessionKey) -> Int64 { positions[key].flatMap { slots[$0].row?.ref } ?? 0 }

    /// Finds the rows of what was noted, and gives new sessions the next numbers.
    mutating func findRows(_ connection: PostgresConnection, last: inout Int64) throws {
        let unknown = touched.filter { slots[$0].row == nil }.sorted()
        guard !unknown.isEmpty else { return }
        let found = try connection.run(
            "SELECT id, hidden, ref, \(Self.names) FROM sessions WHERE id = ANY($1)",
            [.texts(Set(unknown.map { slots[$0].key.id }).sorted())]
        )
        _ = found.map { row in
            let key = SessionKey(id: row.text(0) ?? "", isHidden: row.bool(1))
            guard let position = positions[key], slots[position].row == nil else { return }
            slots[position].row = Row(ref: row.int(2), names: SessionNames(row: row, from: 3))
        }
        for position in unknown where slots[position].row == nil {
            last += 1
            slots[position].row = Row(ref: last, isNew: true)
        }
    }

    /// Writes what was noted.
    ///
    /// - Returns: The rows of those that had calls before and have another name in a dimension now.
    mutating func write(_ connection: PostgresConnection, revision: Int64) throws -> [Int64] {
        // In the order of their numbers, as all collectors write them.
        let positions = touched.filter { slots[$0].update != nil || slots[$0].row?.isNew == true }.sorted {
            (slots[$0].row?.ref ?? 0) < (slots[$1].row?.ref ?? 0)
        }
        touched.removeAll(keepingCapacity: true)
        var renamed: [Int64] = []
        if !positions.isEmpty {
            var columns = SessionColumns()
            for position in positions { columns.append(slots[position], revision) }
            let rows = try connection.run(Self.upsert, columns.values)
            var places: [Int64: Int] = [:]
            for position in positions { places[slots[position].row?.ref ?? 0] = position }
            _ = rows.map { row in
                guard let position = places[row.int(0)], let known = slots[position].row else { return }
                let now = Row(ref: known.ref, names: SessionNames(row: row, from: 1))
                if !known.isNew, now.names != known.names { renamed.append(known.ref) }
                slots[position].row = now
            }
            for position in positions { (slots[position].update, slots[position].isSighted) = (nil, false) }
        }
        if slots.count > Self.capacity { self = SessionCatalog() }
        return renamed
    }

    /// The columns of sessions as arrays.
    private struct SessionColumns {
        private var ref = PostgresArray.ints()
        private var id = PostgresArray.texts()
        private var hidden = PostgresArray.ints()
        private var sighted = PostgresArray.ints()
        private var lasting = lastingColumns.map { _ in PostgresArray.texts() }
        private var started = PostgresArray.ints()
        private var lastSeen = PostgresArray.ints()
        private var texts = textFacts.map { _ in (PostgresArray.texts(), PostgresArray.ints()) }
        private var numbers = numberFacts.map { _ in (PostgresArray.ints(), PostgresArray.ints()) }
        private var knowledge = PostgresArray.ints()
        private var changed = PostgresArray.ints()

        mutating func append(_ slot: Slot, _ revision: Int64) {
            let update = slot.update
            ref.append(slot.row?.ref ?? 0)
            id.append(slot.key.id)
            hidden.append(slot.key.isHidden)
            sighted.append(slot.isSighted)
            let names = [update?.agent, update?.user, update?.project, update?.machine, update?.team, update?.parent]
            for (position, name) in names.enumerated() { lasting[position].append(name) }
            // A row that only has calls has no bounds of its own.
            started.append(update?.firstSeen.nanoseconds ?? .max)
            lastSeen.append(update?.lastSeen.nanoseconds ?? 0)
            for (position, fact) in [update?.name, update?.branch, update?.agentVersion, update?.taskStatus]
                .enumerated()
            {
                texts[position].0.append(fact?.value)
                texts[position].1.append(fact?.time.nanoseconds)
            }
            numbers[0].0.append(Int64(update?.completion?.value ?? 0))
            numbers[0].1.append(update?.completion?.time.nanoseconds)
            numbers[1].0.append(update?.reportedCost?.value.nanodollars)
            numbers[1].1.append(update?.reportedCost?.time.nanoseconds)
            knowledge.append(Int64(update?.provenance.rawValue ?? 0))
            changed.append(revision)
        }

        var values: [PostgresValue] {
            let facts = (texts + numbers).flatMap { [$0.0, $0.1] }
            return ([ref, id, hidden, sighted] + lasting + [started, lastSeen] + facts + [knowledge, changed]).map(
                \.value
            )
        }
    }

    // What does not change: of two names for one thing the smaller stays. A null is larger than everything.
    private static let lastingColumns = ["agent", "\"user\"", "project", "machine", "team", "parent"]
    // What can change: the later report stays, and of two at one instant the larger. A null is earlier than everything.
    private static let textFacts = ["name", "branch", "agent_version", "task_status"]
    private static let numberFacts = ["completed", "reported_cost"]

    /// The columns of a session's names.
    private static let names = "agent, project, \"user\", machine, team, branch, parent"

    private static let upsert: String = {
        let facts = textFacts + numberFacts
        let columns =
            ["ref", "id", "hidden", "sighted"] + lastingColumns + ["started_at", "last_seen_at"]
            + facts.flatMap { [$0, "\($0)_at"] } + ["knowledge", "changed"]
        let types =
            ["bigint", "text", "bigint", "bigint"] + lastingColumns.map { _ in "text" } + ["bigint", "bigint"]
            + textFacts.flatMap { _ in ["text", "bigint"] } + numberFacts.flatMap { _ in ["bigint", "bigint"] }
            + ["bigint", "bigint"]
        let arrays = types.enumerated().map { "$\($0.offset + 1)::\($0.element)[]" }.joined(separator: ", ")
        let lasting = lastingColumns.map { "\($0) = least(s.\($0), excluded.\($0))" }
        let changing = facts.flatMap { fact in
            let isLater =
                "coalesce((excluded.\(fact)_at, excluded.\(fact)) > (s.\(fact)_at, s.\(fact)), excluded.\(fact)_at IS NOT NULL)"
            return [
                "\(fact) = CASE WHEN \(isLater) THEN excluded.\(fact) ELSE s.\(fact) END",
                "\(fact)_at = CASE WHEN \(isLater) THEN excluded.\(fact)_at ELSE s.\(fact)_at END",
            ]
        }
        return """
            INSERT INTO sessions AS s (\(columns.joined(separator: ", "))) SELECT * FROM unnest(\(arrays))
            ON CONFLICT (id, hidden) DO UPDATE SET
                sighted = greatest(s.sighted, excluded.sighted), started_at = least(s.started_at, excluded.started_at),
                last_seen_at = greatest(s.last_seen_at, excluded.last_seen_at), knowledge = s.knowledge | excluded.knowledge,
                changed = excluded.changed, \((lasting + changing).joined(separator: ", "))
            RETURNING ref, \(names)
            """
    }()
}

/// The rows of models by their names, and how their calls are priced.
struct ModelCatalog {
    private var models: [Key: Model]?
    /// How the calls are priced that are written now.
    private var pricing: Pricing?

    private struct Key: Hashable {
        var name: String
        var provider: String
    }

    private struct Model {
        let row: Int64
        /// How all its calls are priced (``Pricing/fingerprint(ofModel:provider:)``); zero where that is not known.
        var pricedBy: UInt64
        /// Whether that was compared with ``pricing``.
        var isCompared = false
    }

    /// The row of a model, of which a call is written that `pricing` prices; added when it is new.
    mutating func row(
        _ name: String?,
        provider: String?,
        by pricing: Pricing?,
        _ connection: PostgresConnection,
        last: inout Int64
    ) throws -> Int64 {
        var models = try self.models ?? Self.all(connection)
        defer { self.models = models }
        self.models = nil
        if pricing !== self.pricing {
            self.pricing = pricing
            for key in models.keys { models[key]?.isCompared = false }
        }
        let key = Key(name: name ?? "", provider: provider ?? "")
        if let known = models[key], known.isCompared { return known.row }
        let fingerprint =
            pricing?.fingerprint(
                ofModel: key.name.isEmpty ? nil : key.name,
                provider: key.provider.isEmpty ? nil : key.provider
            ) ?? 0
        var model: Model
        if let known = models[key] {
            model = known
            if model.pricedBy != fingerprint {
                model.pricedBy = 0
                try ModelPricing.set(0, ofModel: model.row, connection)
            }
        } else {
            last += 1
            model = Model(row: last, pricedBy: fingerprint)
            try connection.run(
                "INSERT INTO models (ref, name, provider, priced_by) VALUES ($1, $2, $3, $4)",
                [.int(last), .text(key.name), .text(key.provider), .int(Int64(bitPattern: fingerprint))]
            )
        }
        model.isCompared = true
        models[key] = model
        return model.row
    }

    private static func all(_ connection: PostgresConnection) throws -> [Key: Model] {
        let rows = try connection.run("SELECT ref, name, provider, priced_by FROM models").map { row in
            (Key(name: row.text(1) ?? "", provider: row.text(2) ?? ""), Model(row: row.int(0), pricedBy: row.uint(3)))
        }
        return Dictionary(rows) { first, _ in first }
    }
}

/// How the calls of each model are priced, as the table of models has it.
enum ModelPricing {
    /// Notes how all calls of a model are priced; zero for in several ways.
    static func set(_ fingerprint: UInt64, ofModel row: Int64, _ connection: PostgresConnection) throws {
        try connection.run(
            "UPDATE models SET priced_by = $1 WHERE ref = $2",
            [.int(Int64(bitPattern: fingerprint)), .int(row)]
        )
    }

    /// The models that have calls which a pricing may price otherwise than they are, each with what the pricing makes of it.
    static func stale(by pricing: Pricing, _ connection: PostgresConnection) throws -> [Int64: UInt64] {
        var stale: [Int64: UInt64] = [:]
        _ = try connection.run("SELECT ref, name, provider, priced_by FROM models").map { row in
            let fingerprint = pricing.fingerprint(ofModel: row.name(1), provider: row.name(2))
            if row.uint(3) != fingerprint { stale[row.int(0)] = fingerprint }
        }
        return stale
    }
}
