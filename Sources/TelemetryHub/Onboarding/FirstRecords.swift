// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Onboarding
import Usage

/// Waits until a collector has heard from agents.
struct FirstRecords {
    let client: CollectorClient
    /// Only what was seen later than this counts.
    let since: Timestamp

    /// When an agent was last heard; nil when it was not.
    ///
    /// What is known from session files alone does not count: it says nothing about settings.
    /// - Throws: ``CommandFailure`` when the collector does not say.
    func lastSeen(_ agent: Agent) throws(CommandFailure) -> Timestamp? {
        let newest = [("agent", agent.reportedName), ("sort", "lastSeenAt"), ("order", "desc"), ("limit", "20")]
        return try client.ask(.sessions, newest, seconds: 5).document.sessions.lazy
            .filter { $0.knowledge != "transcript" }
            .compactMap { Timestamp(iso8601: $0.lastSeenAt) }.filter { $0 > since }.max()
    }
}
