// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Usage

/// The parameters of a query string; an empty value counts as missing, because forms send empty values.
struct QueryParameters {
    private let values: [String: [String]]

    init(_ request: ServerRequest) { self.init(target: request.head.path ?? "") }

    /// Parses the query of a request target.
    init(target: String) {
        guard let mark = target.firstIndex(of: "?") else {
            values = [:]
            return
        }
        let pairs = PercentEncoding.pairs(target[target.index(after: mark)...]).filter { !$0.1.isEmpty }
        values = Dictionary(grouping: pairs, by: \.0).mapValues { $0.map(\.1) }
    }

    /// Refuses a request with a parameter that it does not have: a misspelled one would be an answer to another question.
    func refuseOthers(than known: [String]) throws(APIError) {
        guard let other = values.keys.filter({ !known.contains($0) }).min() else { return }
        let rule = known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))"
        throw .invalid("this request has no parameter \"\(other.prefix(80))\"; \(rule)")
    }

    /// The value of a parameter; of duplicates the last one.
    subscript(name: String) -> String? { values[name]?.last }

    /// The filter of the parameters; `unknown` selects calls without a name, as in answers.
    ///
    /// - Parameters:
    ///   - timezone: The time zone of hours where the request names none.
    ///   - now: The present.
    func filter(in timezone: String, now: Timestamp) throws(APIError) -> UsageFilter {
        var filter = UsageFilter()
        for dimension in UsageDimension.allCases {
            guard let names = values[dimension.rawValue] else { continue }
            guard names.count <= Self.mostNames else {
                throw .invalid("\(dimension.rawValue) may be given at most \(Self.mostNames) times")
            }
            if let fixed = dimension.fixedNames, let other = names.first(where: { !fixed.contains($0) }) {
                let known =
                    fixed.count > 2 ? "from \(fixed[0]) to \(fixed[fixed.count - 1])" : fixed.joined(separator: " or ")
                throw .invalid("\(dimension.rawValue) must be \(known), not \(other.prefix(40))")
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

    /// The period of the parameters.
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

    /// Whether any parameter names a period.
    var namesPeriod: Bool { ["period", "from", "to"].contains { values[$0] != nil } }

    /// A Boolean parameter; nil when it is missing.
    func flag(_ name: String) throws(APIError) -> Bool? {
        switch self[name] {
        case nil: return nil
        case "false", "0": return false
        case "true", "1": return true
        default: throw .invalid("\(name) must be true or false")
        }
    }

    /// A parameter with a fixed set of values.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, of type: Choice.Type) throws(APIError)
        -> Choice?
    {
        guard let text = self[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw .invalid("\(name) must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    /// A whole number within a range.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalid("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
