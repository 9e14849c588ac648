// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage
import UsageDatabase

/// The sessions and models of a database by their row numbers, and what is to be written about sessions.
///
/// Belongs to the writer; what was added in a transaction that failed must not be remembered (see ``StoreWriter``).
struct Catalog: Sendable {
    private var positions: [SessionKey: Int] = [:]
    private var slots: [Slot] = []
    private var models: [ModelKey: Model] = [:]
    /// How the calls are priced that are written now.
    private var pricing: Pricing?
    /// The slots that have something to write.
    private var touched: [Int] = []
    /// Where the last session was found: records of a session come together.
    private var latest: Int?
    /// The number of the transaction that is open.
    var revision: Int64 = 0

    private struct Slot {
        let key: SessionKey
        var row: SessionTable.Row?
        var update: SessionUpdate?
        /// Whether a record names the session, not only a call.
        var isSighted = false
        /// What the database knows of it; nil where that was not read.
        var known: Known?
    }

    private struct Known {
        /// nil for a session that was added just now.
        var update: SessionUpdate?
        var isSighted = false

        mutating func merge(_ other: SessionUpdate, isSighted: Bool) {
            if update?.merge(other) == nil { update = other }
            self.isSighted = self.isSighted || isSighted
        }
    }

    private struct ModelKey: Hashable {
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

    /// How many sessions are remembered at most.
    private static let capacity = 8_192

    /// The row of a call's session; calls without one share a hidden row for each agent, user, project, machine and team.
    mutating func session(of call: Call, _ db: Database) throws -> Int64 {
        if let session = call.session { return try row(slot(session), db) }
        let key = SessionKey(of: call, namesAbsentTeam: false)
        let slot = slot(key.id, isHidden: true)
        if let update = key.update(by: call) { note(update, slot) }
        return try row(slot, db)
    }

    /// The row of a session of which something was reported.
    ///
    /// - Parameter isSighted: Whether a record names it.
    mutating func session(_ update: SessionUpdate, isSighted: Bool, _ db: Database) throws -> Int64 {
        let slot = slot(update.id)
        if isSighted { slots[slot].isSighted = true }
        note(update, slot)
        return try row(slot, db)
    }

    /// Whether an update reports something that the database does not know.
    mutating func isNews(_ update: SessionUpdate, isSighted: Bool, _ db: Database) throws -> Bool {
        try isNews(update, isSighted: isSighted, slot(update.id), db)
    }

    private mutating func isNews(_ update: SessionUpdate, isSighted: Bool, _ position: Int, _ db: Database) throws
        -> Bool
    {
        let ref = try row(position, db)
        if slots[position].known == nil {
            let stored = slots[position].row?.isNew == true ? nil : try SessionTable(db: db).update(of: ref)
            slots[position].known = Known(update: stored?.update, isSighted: stored?.isSighted ?? false)
        }
        guard let known = slots[position].known, let former = known.update else { return true }
        var merged = former
        merged.merge(update)
        return merged != former || isSighted && !known.isSighted
    }

    /// What was noted of sessions so far that the database does not know, in the order of their ids.
    mutating func news(_ db: Database) throws -> [SessionUpdate] {
        var news: [SessionUpdate] = []
        for position in touched where !slots[position].key.isHidden {
            guard let update = slots[position].update else { continue }
            if try isNews(update, isSighted: false, position, db) { news.append(update) }
        }
        return news.sorted { $0.id < $1.id }
    }

    /// Takes in what an observation reports about its session.
    mutating func note(_ observation: Observation) {
        guard let session = observation.session else { return }
        let position = slot(session)
        if slots[position].update?.merge(observation) == nil, let update = observation.sessionUpdate {
            note(update, position)
        }
    }

    /// The row of a model, of which a call is written that `pricing` prices.
    mutating func model(_ name: String?, provider: String?, by pricing: Pricing?, _ db: Database) throws -> Int64 {
        if pricing !== self.pricing {
            self.pricing = pricing
            for key in models.keys { models[key]?.isCompared = false }
        }
        let key = ModelKey(name: name ?? "", provider: provider ?? "")
        if let known = models[key], known.isCompared { return known.row }
        let fingerprint =
            pricing?.fingerprint(
                ofModel: key.name.isEmpty ? nil : key.name,
                provider: key.provider.isEmpty ? nil : key.provider
            ) ?? 0
        var model = try models[key] ?? Self.model(key, fingerprint, db)
        if model.pricedBy != fingerprint {
            model.pricedBy = 0
            try ModelPricing.set(0, ofModel: model.row, db)
        }
        model.isCompared = true
        models[key] = model
        return model.row
    }

    /// The row of a model, added when it is new.
    private static func model(_ key: ModelKey, _ pricedBy: UInt64, _ db: Database) throws -> Model {
        var insertion = try SQLiteStatement(
            "INSERT OR IGNORE INTO models (name, provider, priced_by) VALUES (?, ?, ?)",
            db
        )
        insertion.bind(key.name)
        insertion.bind(key.provider)
        insertion.bind(pricedBy)
        try insertion.run()
        var statement = try SQLiteStatement("SELECT ref, priced_by FROM models WHERE name = ? AND provider = ?", db)
        statement.bind(key.name)
        statement.bind(key.provider)
        return try statement.first { Model(row: $0.int(0), pricedBy: $0.uint(1)) } ?? Model(row: 0, pricedBy: 0)
    }

    /// Forgets how models are priced, which others have changed.
    mutating func forgetModels() { models = [:] }

    /// Writes what was noted about sessions.
    ///
    /// - Returns: The rows of those that had calls before and have another name in a dimension now.
    mutating func flush(_ db: Database) throws -> [Int64] {
        var renamed: [Int64] = []
        for position in touched {
            guard let update = slots[position].update else { continue }
            // With the names that it has before.
            _ = try row(position, db)
            try SessionTable(db: db).update(
                update,
                revision: revision,
                isHidden: slots[position].key.isHidden,
                isSighted: slots[position].isSighted
            )
            if try rename(position, update, db) { renamed.append(slots[position].row?.ref ?? 0) }
            let isSighted = slots[position].isSighted
            slots[position].known?.merge(update, isSighted: isSighted)
            slots[position].update = nil
        }
        touched.removeAll(keepingCapacity: true)
        if slots.count > Self.capacity { self = Catalog() }
        return renamed
    }

    /// Remembers the names that a session has after an update; whether they are others than those its calls were told by.
    private mutating func rename(_ position: Int, _ update: SessionUpdate, _ db: Database) throws -> Bool {
        guard let known = slots[position].row else { return false }
        slots[position].row?.isNew = false
        let (names, former) = (update.names, known.names)
        func isOther(_ name: String?, _ former: String?) -> Bool { name != nil && name != former }
        guard
            isOther(names.agent, former.agent) || isOther(names.project, former.project)
                || isOther(names.user, former.user) || isOther(names.machine, former.machine)
                || isOther(names.team, former.team) || isOther(names.branch, former.branch)
                || names.isSubagent && !former.isSubagent
        else { return false }
        let key = slots[position].key
        // Which of two names stays is decided by the database.
        let row = try SessionTable(db: db).row(id: key.id, isHidden: key.isHidden)
        slots[position].row = row
        return !known.isNew && row.names != known.names
    }

    private mutating func slot(_ id: String, isHidden: Bool = false) -> Int {
        if let latest, slots[latest].key.isHidden == isHidden, slots[latest].key.id == id { return latest }
        let key = SessionKey(id: id, isHidden: isHidden)
        let position = positions[key] ?? slots.count
        if position == slots.count {
            positions[key] = position
            slots.append(Slot(key: key))
        }
        latest = position
        return position
    }

    private mutating func note(_ update: SessionUpdate, _ position: Int) {
        if slots[position].update == nil {
            slots[position].update = update
            touched.append(position)
        } else {
            slots[position].update?.merge(update)
        }
    }

    private mutating func row(_ position: Int, _ db: Database) throws -> Int64 {
        if let known = slots[position].row { return known.ref }
        let row = try SessionTable(db: db).row(id: slots[position].key.id, isHidden: slots[position].key.isHidden)
        slots[position].row = row
        return row.ref
    }
}

/// How the calls of each model are priced, as the table of models has it.
enum ModelPricing {
    /// Notes how all calls of a model are priced; zero for in several ways.
    static func set(_ fingerprint: UInt64, ofModel row: Int64, _ db: Database) throws {
        var statement = try SQLiteStatement("UPDATE models SET priced_by = ? WHERE ref = ?", db)
        statement.bind(fingerprint)
        statement.bind(row)
        try statement.run()
    }

    /// The models that have calls which a pricing may price otherwise than they are, each with what the pricing makes of it.
    static func stale(by pricing: Pricing, _ db: Database) throws -> [Int64: UInt64] {
        var stale: [Int64: UInt64] = [:]
        var statement = try SQLiteStatement("SELECT ref, name, provider, priced_by FROM models", db)
        try statement.forEachRow { row in
            let fingerprint = pricing.fingerprint(ofModel: row.name(1), provider: row.name(2))
            if row.uint(3) != fingerprint { stale[row.int(0)] = fingerprint }
            return true
        }
        return stale
    }
}
