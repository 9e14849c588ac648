// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing
import Usage

@testable import HubExtension

/// People and teams of a configuration in questions and answers.
struct NamingTests {
    private static func named(_ store: FakeStore) -> LabelledStore {
        var team = HubConfig.Team()
        (team.users, team.projects) = (["Ann", "bob"], ["web", "oss/api"])
        return LabelledStore(
            store: store,
            memory: LabelMemory(),
            people: ["a1": "Ann", "a2": "Ann"],
            teams: ["platform": team]
        )
    }

    @Test func `a store is asked with rules in its own words: ids of people, and keys of projects`() async throws {
        let store = FakeStore()
        store.prepare { $0.names = [.project: ["/work/api", "/oss/api", "/work/web"]] }
        var query = UsageQuery(
            try Period("today", timezone: "UTC", now: Timestamp(nanoseconds: 0)),
            now: .init(nanoseconds: 0)
        )
        query.filter[.user] = ["a1", "bob"]
        query.filter[.team] = ["platform"]
        _ = try await Self.named(store).summary(query)
        let filter = try #require(store.asked.summaries.first?.filter)
        #expect(filter[.user] == ["Ann", "bob"] && filter[.team] == ["platform"])
        #expect(filter.naming.people == ["a1": "Ann", "a2": "Ann"])
        #expect(Set(filter.naming.teamsOfUsers.keys) == ["Ann", "a1", "a2", "bob"])
        #expect(filter.naming.teamsOfProjects == ["/work/web": "platform", "/oss/api": "platform"])
    }

    @Test func `sessions of an answer have the names of the configuration`() async throws {
        let store = FakeStore()
        var session = Session(id: "s", startedAt: .init(nanoseconds: 0), lastSeenAt: .init(nanoseconds: 0))
        session.user = "a2"
        let page = SessionPage(sessions: [session], total: 1, next: nil)
        store.prepare { $0.page = page }
        let found = try await Self.named(store).sessions(SessionQuery(now: .init(nanoseconds: 0))).sessions
        #expect(found.map(\.user) == ["Ann"] && found.map(\.team) == ["platform"])
        #expect(try await Self.named(store).names(of: .team) == ["platform"])
    }

    @Test func `an hour is two digits, in the time zone of the question`() throws {
        let now = try #require(Timestamp(iso8601: "2026-11-22T12:00:00Z"))
        let filter = try QueryParameters(target: "/?hour=09&timezone=Asia/Kolkata").filter(in: "UTC", now: now)
        #expect(filter[.hour] == ["09"] && filter.clock.hour(of: now) == 17)
        for wrong in ["24", "9", "x", "unknown"] {
            #expect(throws: APIError.self) {
                try QueryParameters(target: "/?hour=\(wrong)").filter(in: "UTC", now: now)
            }
        }
        #expect(throws: APIError.self) {
            try QueryParameters(target: "/?hour=09&timezone=Nowhere").filter(in: "UTC", now: now)
        }
    }

    @Test func `a user in two teams is an error of the configuration`() {
        var config = HubConfig()
        var team = HubConfig.Team()
        team.users = ["Ann"]
        config.teams = ["red": team, "blue": team]
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map(\.path) == [["teams", "red", "users"]])
        team.users = ["a1"]
        config.teams["red"] = team
        var more = ConfigFindings()
        config.validate(&more)
        #expect(more.items.isEmpty)
        config.users = ["a1": "Ann"]
        config.validate(&more)
        #expect(more.items.map(\.path) == [["teams", "red", "users"]])
    }
}
