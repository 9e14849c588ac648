// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

/// What calls are grouped by, and what people and teams are called.
struct DimensionTests {
    @Test func `every dimension has a name of its own by which it is found`() {
        #expect(Set(UsageDimension.allCases.map(\.rawValue)).count == UsageDimension.allCases.count)
        for dimension in UsageDimension.allCases {
            #expect(UsageDimension(rawValue: dimension.rawValue) == dimension)
            #expect(UsageDimension.allCases[dimension.position] == dimension)
        }
        #expect(UsageDimension(rawValue: "Model") == nil)
    }

    @Test func `an hour is that of the time zone, also on days when the clock is changed`() throws {
        for (zone, instant, hour) in [
            ("UTC", "2026-11-22T23:59:59.999Z", 23), ("Asia/Kolkata", "2026-11-22T18:29:59Z", 23),
            ("Asia/Kolkata", "2026-11-22T18:30:00Z", 0), ("Asia/Kathmandu", "2026-11-22T18:15:00Z", 0),
            ("America/New_York", "2026-11-01T05:59:59Z", 1), ("America/New_York", "2026-11-01T06:00:00Z", 1),
            ("America/New_York", "2026-11-01T07:00:00Z", 2), ("Europe/Berlin", "2026-03-29T00:59:59Z", 1),
            ("Europe/Berlin", "2026-03-29T01:00:00Z", 3), ("Australia/Lord_Howe", "2026-04-04T14:59:00Z", 1),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z", 1), ("Australia/Lord_Howe", "2026-04-04T15:30:00Z", 2),
        ] {
            let time = try #require(Timestamp(iso8601: instant))
            let clock = try #require(LocalClock(timezone: zone, until: time))
            #expect(clock.hour(of: time) == hour, "\(zone) \(instant)")
            let now = Timestamp(nanoseconds: time.nanoseconds + 3_600_000_000_000)
            #expect(try Period("7d", timezone: zone, now: now).clock.hour(of: time) == hour, "\(zone) \(instant)")
        }
        #expect(LocalClock(timezone: "Nowhere", until: Timestamp(nanoseconds: 0)) == nil)
    }

    @Test func `rules give people names, and a team to whom no record gave one`() {
        var rules = NamingRules()
        rules.people = ["a1": "Ann", "a2": "Ann"]
        rules.teamsOfUsers = ["a1": "red", "Ann": "red"]
        rules.teamsOfProjects = ["/work/api": "blue"]
        func named(_ user: String?, _ project: String?, _ team: String?) -> [String?] {
            var names = SessionNames()
            (names.user, names.project, names.team) = (user, project, team)
            let result = rules.applied(to: names)
            return [result.user, result.team]
        }
        #expect(named("a1", "/work/api", nil) == ["Ann", "red"])
        #expect(named("a2", "/work/api", nil) == ["Ann", "blue"])
        #expect(named("a1", nil, "green") == ["Ann", "green"])
        #expect(named("bob", nil, nil) == ["bob", nil])
        #expect(named(nil, "/work/api", nil) == [nil, "blue"])
        #expect(NamingRules().isSilent(about: .user) && NamingRules().isSilent(about: .team))
        #expect(rules.isSilent(about: .branch) && !rules.isSilent(about: .team))
    }

    @Test func `a filter compares names after the rules`() {
        var filter = UsageFilter()
        filter.naming.people = ["a1": "Ann"]
        filter[.user] = ["Ann"]
        var names = SessionNames()
        names.user = "a1"
        #expect(filter.allows(names))
        names.user = "a2"
        #expect(!filter.allows(names))
        filter[.user] = []
        filter[.agentKind] = ["subagent"]
        #expect(!filter.allows(names))
        names.isSubagent = true
        #expect(filter.allows(names))
    }

    @Test func `a team is kept with an observation, and one without is written as before teams were known`() throws {
        var observation = Observation(
            id: 1,
            time: Timestamp(nanoseconds: 5),
            source: .event,
            emitter: 2,
            priority: 3
        )
        observation.user = "ann"
        let plain = [observation].encoded
        #expect(plain.first == 2)
        observation.team = "red"
        let encoded = [observation].encoded
        #expect(encoded.first == 3)
        #expect([Observation](encoded: encoded) == [observation])
        #expect([Observation](encoded: plain)?.first?.team == nil)
    }
}
