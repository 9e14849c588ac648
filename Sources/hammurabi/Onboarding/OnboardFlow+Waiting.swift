// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import Glibc
import Onboarding
import Usage

extension OnboardFlow {
    /// How long to wait for agents, in seconds.
    private static let patience: Int64 = 120

    /// Waits until the collector has heard from each agent, the person presses a key, or two minutes are over.
    mutating func waitForFirstRecords(_ agents: [Agent], _ endpoint: EndpointURL, _ key: KeyChoice) {
        let client = CollectorClient(endpoint)
        let issuer = endpoint.isLoopback ? KeyIssuer.local(graph, surroundings) : nil
        // Ctrl-C ends the wait, and the key that was made for it goes with it.
        EndSignal.hold()
        let reader = try? issuer?.createReader()
        defer {
            if let reader { try? issuer?.revoke(reader) }
            EndSignal.release()
        }
        var shownKey = reader?.key
        if shownKey == nil, case .given(let given) = key { shownKey = given }
        let start = Console.now()
        let records = FirstRecords(client: client, key: shownKey, since: start)
        var missing = agents
        say(
            "Waiting for their first records, at most two minutes\(questions == nil ? "" : "; press enter to stop waiting")…\n"
        )
        // The collector looks at the file of keys once a second.
        if reader != nil { usleep(500_000) }
        while !missing.isEmpty, !pause(), Console.now().nanoseconds - start.nanoseconds < Self.patience * 1_000_000_000
        {
            for agent in missing {
                do throws(FirstRecords.Unanswered) {
                    guard let seen = try records.lastSeen(agent) else { continue }
                    missing.removeAll { $0 == agent }
                    say("\(agent.title): heard at \(seen.iso8601).\n")
                    note(seen.iso8601, for: agent)
                } catch {
                    return say(
                        "Nobody can say whether they were heard: \(error.reason). Run hammurabi doctor.\n"
                    )
                }
            }
        }
        for agent in missing {
            say("\(agent.title): not heard yet. Run hammurabi doctor later to see whether it was.\n")
        }
    }

    private mutating func note(_ time: String, for agent: Agent) {
        guard let index = report.agents.firstIndex(where: { $0.name == agent.rawValue }) else { return }
        report.agents[index].firstRecordAt = time
    }

    /// Waits a second; whether the person does not want to wait any longer.
    private func pause() -> Bool {
        guard let questions else {
            usleep(1_000_000)
            return EndSignal.number != nil
        }
        switch questions.keyboard.key(within: 1_000) {
        case .enter, .interrupt, .escape, .sign("q"): return true
        default: return false
        }
    }
}
