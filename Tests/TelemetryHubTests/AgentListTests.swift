// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
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
}
