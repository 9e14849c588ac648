// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
import Foundation
import Onboarding
import Testing
import Usage

/// The agents that can be onboarded and those whose stores are read.
struct AgentListTests {
    @Test func `onboarding, scans, doctor and the configuration have one list of agents`() throws {
        let read = CodingAgent.allCases.filter(\.isRead)
        #expect(SessionFileExplanation.agents == read.map(\.sectionKey))
        let sections = Set(
            AgentSessionsConfig.documentation.keys.compactMap { $0.hasSuffix(".enabled") ? $0.dropLast(8) : nil }
        )
        #expect(sections == Set(read.map { Substring($0.sectionKey) }))
        let account = try #require(Account(environment: ["HOME": "/nowhere"]))
        #expect(AgentFinding.all(of: account, in: LocalFiles()).map(\.agent) == CodingAgent.allCases)
        // What has neither is in the list to say so.
        #expect(CodingAgent.allCases.filter { !$0.isRead } == [.cursor] && !CodingAgent.cursor.sendsTelemetry)
        for agent in CodingAgent.allCases {
            let plan = AgentPlan.fromNothing(
                for: agent,
                to: Destination(endpoint: EndpointURL(loopbackPort: 4318)),
                of: account
            )
            #expect(plan.changes.isEmpty == !agent.sendsTelemetry, "\(agent)")
            let isTold = plan.notes.contains {
                $0.contains(agent.isRead ? "agent_sessions" : "nothing can be configured")
            }
            #expect(isTold == !agent.sendsTelemetry, "\(agent)")
        }
        #expect(Set(CodingAgent.allCases.flatMap(\.titles)).count == CodingAgent.allCases.flatMap(\.titles).count)
    }

    @Test func `the pages of onboarding name every agent of the list`() throws {
        let page = try Self.text("Sources/Onboarding/README.md")
        let front = try Self.text("README.md")
        for agent in CodingAgent.allCases {
            #expect(page.contains("`\(agent.rawValue)`"), "\(agent)")
            #expect(front.contains(agent.title), "\(agent)")
        }
    }

    /// A text of the repository.
    private static func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test func `the tables of the front page and of the receiver name every agent whose store is read`() throws {
        let front = try Self.text("README.md")
        let receiver = try Self.text("Plugins/Receivers/AgentSessions/README.md")
        let stores = try #require(receiver.split(separator: "## What is read").last?.split(separator: "\n\n- ").first)
        #expect(SessionFileExplanation.agents.count == 10)
        for agent in SessionFileExplanation.agents {
            let titles = try #require(AgentSessionsConfig.documentation[agent]?.dropFirst("the store of ".count))
            for title in titles.replacing(" and ", with: ", ").split(separator: ", ") {
                #expect(stores.contains(title), "\(title)")
                #expect(front.contains(title), "\(title)")
            }
        }
        // Each row says what its format is known from.
        let rows = stores.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2)
        #expect(rows.count == 10 && rows.allSatisfy { $0.contains("driven") || $0.contains("documents alone") })
    }
}
