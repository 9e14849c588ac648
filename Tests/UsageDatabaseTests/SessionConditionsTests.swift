// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

@testable import UsageDatabase

/// One description of conditions in the SQL of each database.
struct SessionConditionsTests {
    private static func query() throws -> SessionQuery {
        var query = SessionQuery(now: Timestamp(nanoseconds: 600_000_000_000))
        query.id = "i"
        query.text = "50%_\\"
        query.status = .idle
        query.filter[.user] = ["b", "a", "c"]
        query.filter[.model] = ["m"]
        query.filter.naming.people = ["a": "Ann"]
        (query.sort, query.descending) = (.cost, true)
        return query
    }

    private static func conditions(_ dialect: SessionConditions.Dialect) throws -> SessionConditions {
        var conditions = SessionConditions(dialect, after: dialect == .postgresql ? [.number(7)] : [])
        let query = try query()
        conditions.add(query)
        conditions.order(by: query)
        conditions.limit(3)
        return conditions
    }

    @Test func `every place has its value, in the order of the places`() throws {
        let lite = try Self.conditions(.sqlite)
        #expect(lite.sql.count { $0 == "?" } == lite.values.count)
        #expect(lite.sql.contains("IN (?, ?, ?, ?)"), "three names are padded to four")
        #expect(lite.sql.hasSuffix(" ORDER BY s.cost DESC, s.id LIMIT ?"))
        let server = try Self.conditions(.postgresql)
        let places = server.sql.split(separator: "$").dropFirst().compactMap { Int($0.prefix { $0.isNumber }) }
        #expect(places == Array(2...server.values.count))
        #expect(server.values.contains(.texts(["a", "b", "c"])) && !lite.values.contains(.texts(["a", "b", "c"])))
    }

    @Test func `marks of patterns in a text mean themselves`() throws {
        let patterns = try Self.conditions(.postgresql).values.filter { $0 == .text("%50\\%\\_\\\\%") }
        // The id, name, project, user and branch of a session, the name of its user by the rules, and its team.
        #expect(patterns.count == 7)
    }

    @Test func `a page begins behind its place in both directions`() throws {
        var query = try Self.query()
        query.sort = .name
        let place = SessionQuery.Place(number: 0, name: "n", id: "x")
        for (descending, sign) in [(true, "<"), (false, ">")] {
            query.descending = descending
            var conditions = SessionConditions(.postgresql)
            conditions.add(place, query)
            let name = "coalesce(s.name, s.id)"
            #expect(conditions.sql == " AND (\(name) \(sign) $1 OR (\(name) = $2 AND s.id > $3))")
            #expect(conditions.values == [.text("n"), .text("n"), .text("x")])
        }
    }
}
