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

// MARK: - Coding

extension SessionUpdate {
    /// Appends the update in a compact binary form, for queues; the first byte names the form, so that a later one can be told from it.
    func encode(into writer: inout CompactWriter) {
        writer.byte(Self.form)
        writer.text(id)
        for time in [firstSeen, lastSeen] { writer.fixed(UInt64(bitPattern: time.nanoseconds)) }
        for name in [agent, user, project, machine, team, parent] { writer.text(name) }
        for fact in [name, branch, agentVersion, taskStatus] {
            writer.text(fact?.value)
            writer.number(fact?.time.nanoseconds)
        }
        writer.number(completion.map { Int64($0.value) })
        writer.number(completion?.time.nanoseconds)
        writer.number(reportedCost?.value.nanodollars)
        writer.number(reportedCost?.time.nanoseconds)
        writer.byte(provenance.rawValue)
    }

    /// Reads back what ``encode(into:)`` wrote; nil when the bytes are damaged or of an unknown form.
    init?(from reader: inout CompactReader) {
        guard reader.byte() == Self.form, let id = reader.text(), let first = reader.fixed(), let last = reader.fixed()
        else { return nil }
        self.init(id: id, time: Timestamp(nanoseconds: Int64(bitPattern: first)))
        lastSeen = Timestamp(nanoseconds: Int64(bitPattern: last))
        agent = reader.text()
        user = reader.text()
        project = reader.text()
        machine = reader.text()
        team = reader.text()
        parent = reader.text()
        name = Self.fact(reader.text(), &reader)
        branch = Self.fact(reader.text(), &reader)
        agentVersion = Self.fact(reader.text(), &reader)
        taskStatus = Self.fact(reader.text(), &reader)
        completion = Self.fact(reader.number().map { UInt8(truncatingIfNeeded: $0) }, &reader)
        reportedCost = Self.fact(reader.number().map(Money.init(nanodollars:)), &reader)
        provenance = Provenance(rawValue: reader.byte() ?? 0)
        guard reader.isWhole else { return nil }
    }

    /// A fact whose time is read next.
    private static func fact<Value: Comparable & Hashable & Sendable>(
        _ value: Value?,
        _ reader: inout CompactReader
    ) -> LastWrite<Value>? {
        let time = reader.number()
        guard let value, let time else { return nil }
        return LastWrite(value, at: Timestamp(nanoseconds: time))
    }

    private static let form: UInt8 = 1
}

extension [SessionUpdate] {
    /// The updates one after the other in their compact form.
    public var encoded: [UInt8] {
        var writer = CompactWriter(bytes: [])
        for update in self { update.encode(into: &writer) }
        return writer.bytes
    }

    /// Reads back what ``encoded`` gave; nil when the bytes are damaged.
    public init?(encoded bytes: [UInt8]) {
        self = []
        var reader = CompactReader(bytes)
        while !reader.isAtEnd {
            guard let update = SessionUpdate(from: &reader) else { return nil }
            append(update)
        }
    }
}
