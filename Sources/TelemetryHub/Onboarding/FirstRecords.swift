// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Onboarding
import Usage

/// Waits until a collector has heard from agents.
struct FirstRecords {
    let client: CollectorClient
    let key: String?
    /// Only what was seen later than this counts.
    let since: Timestamp

    /// A session as the API tells of it, as far as it matters here.
    private struct Answer: Decodable {
        var sessions: [Session]

        struct Session: Decodable {
            var lastSeenAt: String
            var provenance: String?
        }
    }

    /// When an agent was last heard; nil when it was not.
    ///
    /// What is known from session files alone does not count: it says nothing about settings.
    /// - Throws: `Unanswered` when the collector does not say.
    func lastSeen(_ agent: Agent) throws(Unanswered) -> Timestamp? {
        let path = "/api/telemetry/sessions?agent=\(agent.reportedName)&sort=lastSeenAt&order=desc&limit=20"
        guard let answer = client.send("GET", path, key: key, seconds: 5) else {
            throw Unanswered(reason: "the collector went away")
        }
        guard answer.status == 200, let document = try? JSONDecoder().decode(Answer.self, from: Data(answer.body.utf8))
        else {
            let mayNotRead = [401, 403].contains(answer.status)
            throw Unanswered(reason: mayNotRead ? "the key may not read" : "the collector answered \(answer.status)")
        }
        return document.sessions.lazy.filter { $0.provenance != "transcript" }
            .compactMap { Timestamp(iso8601: $0.lastSeenAt) }.filter { $0 > since }.max()
    }

    /// Why nobody can say who was heard.
    struct Unanswered: Error {
        var reason: String
    }
}
