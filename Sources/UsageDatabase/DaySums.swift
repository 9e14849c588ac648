// SPDX-License-Identifier: Apache-2.0

import Usage

/// What a day of some time zone adds up to: by model, and by session with the models that it used.
struct DaySums {
    var models: [(model: Int32, totals: UsageTotals)] = []
    var sessions: [Session] = []
    /// By hour of the day; those without a call have nothing.
    var hours = [UsageTotals](repeating: UsageTotals(), count: LocalClock.names.count)
    /// Which sessions used models that have no bit.
    var rare: [(session: Int32, model: Int32)] = []

    /// What a session has, and the bits of the models that it used and of the hours in which it did.
    struct Session {
        var session: Int32
        var hours: UInt32 = 0
        var models: UInt64 = 0
        var totals = UsageTotals()

        /// Adds what it has of another day.
        mutating func add(_ other: Session) {
            models |= other.models
            hours |= other.hours
            totals += other.totals
        }
    }

    /// How many models have a bit.
    static let bits = 64
}

/// Which rows of sums are meant: for each dimension with a condition, which names.
struct SumsFilter {
    private let models: [Bool]?
    private let hours: [Bool]?
    private let owners: [(reading: DimensionReading, names: [Bool])]

    init(_ filter: UsageFilter, _ contents: SummaryMemory.Contents) {
        func allowed(_ names: [String], _ dimension: UsageDimension) -> [Bool] {
            names.map { filter.allows($0, as: dimension) }
        }
        models = filter[.model].isEmpty ? nil : allowed(contents.names[.model], .model)
        hours = filter[.hour].isEmpty ? nil : allowed(LocalClock.names, .hour)
        owners = filter.dimensions.filter(\.isOfSession).map { dimension in
            let reading = DimensionReading(dimension, contents, filter.naming)
            return (reading, allowed(reading.names, dimension))
        }
    }

    func allows(_ owner: SummaryMemory.Owner, model: Int32, hour: Int) -> Bool {
        if let models, !models[Int(model)] { return false }
        if let hours, !hours[hour] { return false }
        return owners.allSatisfy { reading, names in names[Int(reading.number(ofGroup: owner.ownerGroup))] }
    }
}

/// Adds up one day after another.
struct DaySumsBuilder {
    private let contents: SummaryMemory.Contents
    private let filter: SumsFilter?
    private let clock: LocalClock
    private let missing: (_ kind: String, _ row: Int64, _ referrer: String) -> any Error
    private var byModel: [UsageTotals]
    /// For each session its place in the sums that are being made.
    private var places = SparseTable<Int32>()

    /// - Parameters:
    ///   - clock: The hours of the days.
    ///   - missing: The error for a row that another one names and that is missing.
    init(
        _ contents: SummaryMemory.Contents,
        _ filter: UsageFilter,
        _ clock: LocalClock,
        missing: @escaping (_ kind: String, _ row: Int64, _ referrer: String) -> any Error
    ) {
        (self.contents, self.clock, self.missing) = (contents, clock, missing)
        self.filter = filter.isEmpty ? nil : SumsFilter(filter, contents)
        byModel = [UsageTotals](repeating: UsageTotals(), count: contents.names[.model].count)
    }

    /// The sums of some quarters of an hour.
    ///
    /// - Throws: An error of the store when a row names a session or model that is missing.
    mutating func sums(of quarters: Range<Int64>, in days: [[SummaryMemory.Sums]]) throws -> DaySums {
        var sums = DaySums()
        let hours = clock.part(of: quarters)
        for rows in days {
            for row in rows where quarters.contains(Int64(row.quarter)) {
                try add(row, hour: hours.hour(ofQuarter: Int64(row.quarter)), to: &sums)
            }
        }
        for (model, totals) in byModel.enumerated() where totals.calls != 0 {
            sums.models.append((Int32(model), totals))
            byModel[model] = UsageTotals()
        }
        for part in sums.sessions { places[part.session] = nil }
        return sums
    }

    private mutating func add(_ row: SummaryMemory.Sums, hour: Int, to sums: inout DaySums) throws {
        guard let model = contents.model(row.model) else { throw missing("model", Int64(row.model), "the sums") }
        guard let owner = contents.owner(row.session) else { throw missing("session", Int64(row.session), "the sums") }
        if let filter, !filter.allows(owner, model: model, hour: hour) { return }
        byModel[Int(model)] += row.totals
        sums.hours[hour] += row.totals
        let place = places[row.session].map(Int.init) ?? sums.sessions.count
        if place == sums.sessions.count {
            places[row.session] = Int32(clamping: place)
            sums.sessions.append(DaySums.Session(session: row.session))
        }
        sums.sessions[place].totals += row.totals
        sums.sessions[place].hours |= 1 << UInt32(hour)
        if model < DaySums.bits {
            sums.sessions[place].models |= 1 << UInt64(model)
        } else {
            sums.rare.append((row.session, model))
        }
    }
}
