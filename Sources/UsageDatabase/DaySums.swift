// SPDX-License-Identifier: Apache-2.0

import Usage

/// What a day of some time zone adds up to: by model, and by session with the models that it used.
struct DaySums {
    var models: [(model: Int32, totals: UsageTotals)] = []
    var sessions: [Session] = []
    /// Which sessions used models that have no bit.
    var rare: [(session: Int32, model: Int32)] = []

    /// What a session has, and the bits of the models that it used.
    struct Session {
        var session: Int32
        var models: UInt64 = 0
        var totals = UsageTotals()

        /// Adds what it has of another day.
        mutating func add(_ other: Session) {
            models |= other.models
            totals += other.totals
        }
    }

    /// How many models have a bit.
    static let bits = 64
}

/// Which rows of sums are meant: for each dimension with a condition, which names.
struct SumsFilter {
    private let allowed: [(dimension: UsageDimension, names: [Bool])]

    init(_ filter: UsageFilter, _ contents: SummaryMemory.Contents) {
        allowed = UsageDimension.allCases.filter { !filter[$0].isEmpty }.map { dimension in
            (dimension, contents.names[dimension].map { filter.allows($0, as: dimension) })
        }
    }

    func allows(_ owner: SummaryMemory.Owner, model: Int32) -> Bool {
        allowed.allSatisfy { dimension, names in names[Int(dimension == .model ? model : owner[dimension])] }
    }
}

/// Adds up one day after another.
struct DaySumsBuilder {
    private let contents: SummaryMemory.Contents
    private let filter: SumsFilter?
    private let missing: (_ kind: String, _ row: Int64, _ referrer: String) -> any Error
    private var byModel: [UsageTotals]
    /// For each session its place in the sums that are being made.
    private var places = SparseTable<Int32>()

    /// - Parameter missing: The error for a row that another one names and that is missing.
    init(
        _ contents: SummaryMemory.Contents,
        _ filter: UsageFilter,
        missing: @escaping (_ kind: String, _ row: Int64, _ referrer: String) -> any Error
    ) {
        (self.contents, self.missing) = (contents, missing)
        self.filter = filter.isEmpty ? nil : SumsFilter(filter, contents)
        byModel = [UsageTotals](repeating: UsageTotals(), count: contents.names[.model].count)
    }

    /// The sums of some quarters of an hour.
    ///
    /// - Throws: An error of the store when a row names a session or model that is missing.
    mutating func sums(of quarters: Range<Int64>, in days: [[SummaryMemory.Sums]]) throws -> DaySums {
        var sums = DaySums()
        for rows in days { for row in rows where quarters.contains(Int64(row.quarter)) { try add(row, to: &sums) } }
        for (model, totals) in byModel.enumerated() where totals.calls != 0 {
            sums.models.append((Int32(model), totals))
            byModel[model] = UsageTotals()
        }
        for part in sums.sessions { places[part.session] = nil }
        return sums
    }

    private mutating func add(_ row: SummaryMemory.Sums, to sums: inout DaySums) throws {
        guard let model = contents.model(row.model) else { throw missing("model", Int64(row.model), "the sums") }
        guard let owner = contents.owner(row.session) else { throw missing("session", Int64(row.session), "the sums") }
        if let filter, !filter.allows(owner, model: model) { return }
        byModel[Int(model)] += row.totals
        let place = places[row.session].map(Int.init) ?? sums.sessions.count
        if place == sums.sessions.count {
            places[row.session] = Int32(clamping: place)
            sums.sessions.append(DaySums.Session(session: row.session))
        }
        sums.sessions[place].totals += row.totals
        if model < DaySums.bits {
            sums.sessions[place].models |= 1 << UInt64(model)
        } else {
            sums.rare.append((row.session, model))
        }
    }
}
