// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
import Foundation
import Onboarding
import Testing

/// The agents that can be onboarded and those whose stores are read.
struct AgentListTests {
    @Test func `the store of every agent that can be onboarded is read, but for Cursor's, which has no usage`() {
        let read = Set(SessionFileExplanation.agents)
        for agent in Onboarding.Agent.allCases where agent != .cursor {
            #expect(read.contains(agent.rawValue.replacing("-", with: "_")), "\(agent)")
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
