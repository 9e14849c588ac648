// SPDX-License-Identifier: Apache-2.0

/// The group to which calls belong that name no session: those of one service on one day.
///
/// A trace is no session: a short program makes one for each call (OpenAI Agents, Microsoft Agent Framework and LiteLLM left 8 to 15
/// of them). The id is what people read, such as `checkout-service · 2026-11-10 (no session)`. Calls of another user, project,
/// machine or team form a group of their own, because sums by these are made from sessions.
public enum SessionGroup {
    private static let separator = " · "
    private static let mark = " (no session)"

    /// The id of the group of a call.
    ///
    /// - Parameters:
    ///   - service: The service, or the agent when it is known by name.
    ///   - time: When the call ended; the day is that of UTC.
    ///   - details: What else sets the group apart: user, project, machine, team.
    public static func id(service: String, at time: Timestamp, details: [String?]) -> String {
        id(stem: service + separator + time.iso8601.prefix(10) + mark, details: details)
    }

    /// The id of the group of the same service and day with other details; nil for the id of a session.
    static func id(_ group: String, details: [String?]) -> String? {
        guard let mark = group.utf8.firstRange(of: mark.utf8) else { return nil }
        return id(stem: String(group[..<mark.upperBound]), details: details)
    }

    private static func id(stem: String, details: [String?]) -> String {
        NameLimit.bounded(details.compactMap(\.self).reduce(stem) { $0 + separator + $1 })
    }

    /// The service of a group; nil for the id of a session.
    static func service(of id: String) -> String? {
        guard let end = id.utf8.firstRange(of: mark.utf8)?.lowerBound else { return nil }
        // The date and the separator in front of it.
        let suffix = separator.utf8.count + 10
        let head = id.utf8[..<end]
        guard head.count > suffix else { return nil }
        let service = head.dropLast(suffix)
        return head.dropFirst(service.count).starts(with: separator.utf8) ? String(Substring(service)) : nil
    }
}
