// SPDX-License-Identifier: Apache-2.0

/// What a batch reports about one session beside its calls: that it lives, where, and what it does.
public struct SessionUpdate: Sendable, Hashable {
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
    /// The team that pays.
    public var team: String?
    /// The title that the agent or its user gave the session, the newest one.
    public var name: LastWrite<String>?
    /// The branch that was checked out, the newest one.
    public var branch: LastWrite<String>?
    /// The version of the agent, the newest one.
    public var agentVersion: LastWrite<String>?
    /// What the agent says it is doing, the newest word.
    public var taskStatus: LastWrite<String>?
    /// Whether the agent says that the session has ended, its newest word; 1 for ended, 0 for alive.
    public var completion: LastWrite<UInt8>?
    /// The session that started this one, for a sub-agent or a fork.
    public var parent: String?
    /// What the agent says that the session has cost so far, its newest word.
    public var reportedCost: LastWrite<Money>?
    /// From what it is known.
    public var provenance: Provenance = []
    /// Whether only calls name the session and no record does: then it is listed as long as it has counted calls.
    public var isImplied = false

    /// Creates a update at one instant.
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

    /// Takes in another update of the same session; what can change is taken from the later, of two names for one lasting thing
    /// the smaller stays, so that order does not matter.
    public mutating func merge(_ other: SessionUpdate) {
        extend(to: other.firstSeen)
        extend(to: other.lastSeen)
        agent = CallOrigin.smaller(agent, other.agent)
        user = CallOrigin.smaller(user, other.user)
        project = CallOrigin.smaller(project, other.project)
        machine = CallOrigin.smaller(machine, other.machine)
        team = CallOrigin.smaller(team, other.team)
        parent = CallOrigin.smaller(parent, other.parent)
        name = LastWrite.later(name, other.name)
        branch = LastWrite.later(branch, other.branch)
        agentVersion = LastWrite.later(agentVersion, other.agentVersion)
        taskStatus = LastWrite.later(taskStatus, other.taskStatus)
        completion = LastWrite.later(completion, other.completion)
        reportedCost = LastWrite.later(reportedCost, other.reportedCost)
        provenance.formUnion(other.provenance)
        isImplied = isImplied && other.isImplied
    }

    /// The cost that the agent reports, if it can be compared with the session's calls; nil where it cannot.
    ///
    /// A fork's figure has its parent's calls up to the fork in it (recorded from Claude Code 2.1.330). A session that went on for more
    /// than a minute after the figure has calls that are not in it.
    public var comparableCost: Money? {
        guard parent == nil, let reportedCost,
            lastSeen.nanoseconds.saturatingSubtracting(reportedCost.time.nanoseconds) <= Self.longestTail
        else { return nil }
        return reportedCost.value
    }

    /// How many nanoseconds of a session may follow its reported cost.
    public static let longestTail: Int64 = 60_000_000_000

    /// Takes in what an observation of the same session reports: as ``merge(_:)`` with its ``Observation/sessionUpdate``.
    public mutating func merge(_ observation: Observation) {
        extend(to: observation.time)
        extend(to: observation.start)
        provenance.formUnion(Provenance(observation.source))
        // Nearly always what is known already; then nothing is assigned.
        let origin = observation.origin.value
        let theirs = observation.sessionAgent
        if agent != theirs { agent = CallOrigin.smaller(agent, theirs) }
        if user != origin.user { user = CallOrigin.smaller(user, origin.user) }
        if project != origin.project { project = CallOrigin.smaller(project, origin.project) }
        if machine != origin.machine { machine = CallOrigin.smaller(machine, origin.machine) }
        if team != origin.team { team = CallOrigin.smaller(team, origin.team) }
    }
}

extension Observation {
    /// What the observation reports about its session; nil when it knows none.
    public var sessionUpdate: SessionUpdate? {
        guard let session else { return nil }
        var update = SessionUpdate(id: session, time: time)
        update.extend(to: start)
        (update.agent, update.user, update.project, update.machine) = (sessionAgent, user, project, machine)
        update.team = team
        update.provenance = Provenance(source)
        return update
    }

    /// The agent of the session: of calls without a session it is their service, which may run several agents.
    ///
    /// A sum that is not counted names none: OpenInference's span around the Claude Agent SDK has Claude Code's session.
    fileprivate var sessionAgent: String? {
        if source == .agentSpan, trace.isRollUp { return nil }
        let origin = origin.value
        guard origin.sessionIsTrace, let session = origin.session else { return origin.agent }
        return SessionGroup.service(of: session) ?? origin.agent
    }

    /// When the call began, as far as that is known.
    fileprivate var start: Timestamp {
        Timestamp(nanoseconds: time.nanoseconds - max(0, min(duration ?? 0, time.nanoseconds)))
    }
}
