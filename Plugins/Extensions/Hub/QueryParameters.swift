// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Usage

/// The parameters of an address; an empty one is as good as none, as forms send them.
struct QueryParameters {
    private let values: [String: [String]]

    init(_ request: ServerRequest) { self.init(target: request.head.path ?? "") }

    /// Reads what stands behind the question mark of a path.
    init(target: String) {
        guard let mark = target.firstIndex(of: "?") else {
            values = [:]
            return
        }
        let pairs = PercentEncoding.pairs(target[target.index(after: mark)...]).filter { !$0.1.isEmpty }
        values = Dictionary(grouping: pairs, by: \.0).mapValues { $0.map(\.1) }
    }

    /// A value; of several the last.
    subscript(name: String) -> String? { values[name]?.last }

    /// Which names are meant; `unknown` stands for what has no name, as in answers.
    ///
    /// - Parameters:
    ///   - timezone: The time zone in which hours are meant where the address names none.
    ///   - now: The present.
    func filter(in timezone: String, now: Timestamp) throws(APIError) -> UsageFilter {
        var filter = UsageFilter()
        for dimension in UsageDimension.allCases {
            guard let names = values[dimension.rawValue] else { continue }
            guard names.count <= Self.mostNames else {
                throw .invalid("\(dimension.rawValue) may be given at most \(Self.mostNames) times")
            }
            if let fixed = dimension.fixedNames, let other = names.first(where: { !fixed.contains($0) }) {
                let range = "\(fixed.first ?? "") to \(fixed.last ?? "")"
                throw .invalid("\(dimension.rawValue) must be from \(range), not \(other.prefix(40))")
            }
            filter[dimension] = Set(names + (names.contains("unknown") ? [""] : []))
        }
        guard !filter[.hour].isEmpty else { return filter }
        let zone = self["timezone"] ?? timezone
        do throws(PeriodError) {
            _ = try Period("today", timezone: zone, now: now)
        } catch {
            throw .invalid(error.description)
        }
        filter.clock = LocalClock(timezone: zone, until: now) ?? .utc
        return filter
    }

    private static let mostNames = 64

    /// The days that are meant.
    func period(in timezone: String, now: Timestamp) throws(APIError) -> Period {
        do throws(PeriodError) {
            return try Period(
                self["period"],
                from: self["from"],
                to: self["to"],
                timezone: self["timezone"] ?? timezone,
                now: now
            )
        } catch {
            throw .invalid(error.description)
        }
    }

    /// Whether days are meant at all.
    var namesPeriod: Bool { ["period", "from", "to"].contains { values[$0] != nil } }

    /// Yes or no; nil when nothing is said.
    func flag(_ name: String) throws(APIError) -> Bool? {
        switch self[name] {
        case nil: return nil
        case "false", "0": return false
        case "true", "1": return true
        default: throw .invalid("\(name) must be true or false")
        }
    }

    /// One of a few words.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, of type: Choice.Type) throws(APIError)
        -> Choice?
    {
        guard let text = self[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw .invalid("\(name) must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    /// A whole number in a range.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalid("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
