// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Onboarding
import Usage

/// Checks whether a collector has received telemetry from agents.
struct FirstRecords {
    let client: CollectorClient
    /// Only telemetry after this time counts.
    let since: Timestamp

    /// When telemetry of an agent last arrived; nil when none did.
    ///
    /// Session files do not count: they do not show that the settings work.
    /// - Throws: ``CommandFailure`` when the collector does not answer.
    func lastSeen(_ agent: Agent) throws(CommandFailure) -> Timestamp? {
        let names = agent.reportedNames.map { ("agent", $0) }
        let newest = names + [("sort", "lastSeenAt"), ("order", "desc"), ("limit", "20")]
        return try client.ask(.sessions, newest, seconds: 5).document.sessions.lazy
            .filter { $0.knowledge != "transcript" }
            .compactMap { Timestamp(iso8601: $0.lastSeenAt) }.filter { $0 > since }.max()
    }
}
