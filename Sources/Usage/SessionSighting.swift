// SPDX-License-Identifier: Apache-2.0

/// What a batch tells about one session beside its calls: that it lives, where, and what it does.
public struct SessionSighting: Sendable, Hashable {
    /// The session's id.
    public var id: String
    /// The first sign of it in the batch.
    public var firstSeen: Timestamp
    /// The newest sign of it in the batch.
    public var lastSeen: Timestamp
    /// The agent.
    public var agent: String?
    /// The person or account.
    public var user: String?
    /// The repository or project.
    public var project: String?
    /// The machine.
    public var machine: String?

    /// Creates a sighting at one instant.
    public init(id: String, time: Timestamp) {
        self.id = id
        firstSeen = time
        lastSeen = time
    }

    /// Takes in a sign at another instant.
    public mutating func extend(to time: Timestamp) {
        firstSeen = min(firstSeen, time)
        lastSeen = max(lastSeen, time)
    }

    /// Takes in another sighting of the same session; of two names for one thing the smaller stays, so that order does not matter.
    public mutating func merge(_ other: SessionSighting) {
        extend(to: other.firstSeen)
        extend(to: other.lastSeen)
        for field in [\SessionSighting.agent, \.user, \.project, \.machine] {
            self[keyPath: field] = [self[keyPath: field], other[keyPath: field]].compactMap(\.self).min()
        }
    }
}

extension Observation {
    /// What the observation tells about its session; nil when it knows none.
    public var sessionSighting: SessionSighting? {
        guard let session else { return nil }
        var sighting = SessionSighting(id: session, time: time)
        sighting.extend(to: Timestamp(nanoseconds: time.nanoseconds - max(0, min(duration ?? 0, time.nanoseconds))))
        (sighting.agent, sighting.user, sighting.project, sighting.machine) = (agent, user, project, machine)
        return sighting
    }
}
