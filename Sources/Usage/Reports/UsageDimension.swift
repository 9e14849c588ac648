// SPDX-License-Identifier: Apache-2.0

/// By what calls can be grouped and chosen in answers, in the API's words.
///
/// One table says of each dimension what it is called and how it is read; stores, the API, the reports and the dashboard follow it.
/// A value; safe to use from many tasks at once.
public struct UsageDimension: Sendable, Hashable, CaseIterable, RawRepresentable {
    /// Where it is in ``allCases``.
    public let position: Int

    /// The model that answered.
    public static let model = UsageDimension(position: 0)
    /// The program that asked.
    public static let agent = UsageDimension(position: 1)
    /// The repository or project.
    public static let project = UsageDimension(position: 2)
    /// The person or account.
    public static let user = UsageDimension(position: 3)
    /// The machine on which the agent ran.
    public static let machine = UsageDimension(position: 4)
    /// Who pays: the team, as the sender or the rules of the hub name it.
    public static let team = UsageDimension(position: 5)
    /// The branch that the session had checked out last.
    public static let branch = UsageDimension(position: 6)
    /// Whether a session was begun by a person, `main`, or by another session, `subagent`.
    public static let agentKind = UsageDimension(position: 7)
    /// The hour of the day at which the call ended, `00` to `23`, in the time zone of the question.
    public static let hour = UsageDimension(position: 8)

    /// What a dimension is read from.
    public enum Source: Sendable {
        /// The call itself.
        case call
        /// The session, or what a call without one says of itself.
        case session(@Sendable (SessionNames) -> String?)
        /// The time of the call.
        case time
    }

    private struct Row {
        var name: String
        var title: String
        var source: Source
        /// All names there can be; nil where senders choose them, so that answers bound them by ``ListedNames``.
        var fixed: [String]?
    }

    private static let table: [Row] = [
        Row(name: "model", title: "Model", source: .call),
        Row(name: "agent", title: "Agent", source: .session { $0.agent }),
        Row(name: "project", title: "Project", source: .session { $0.project }),
        Row(name: "user", title: "User", source: .session { $0.user }),
        Row(name: "machine", title: "Machine", source: .session { $0.machine }),
        Row(name: "team", title: "Team", source: .session { $0.team }),
        Row(name: "branch", title: "Branch", source: .session { $0.branch }),
        Row(
            name: "agent_kind",
            title: "Agent kind",
            source: .session { $0.kind },
            fixed: SessionNames.kinds
        ),
        Row(name: "hour", title: "Hour", source: .time, fixed: LocalClock.names),
    ]

    /// All of them, in the order in which answers have them.
    public static let allCases = table.indices.map(UsageDimension.init(position:))
    /// Those that are read from sessions.
    public static let ofSessions = allCases.filter(\.isOfSession)

    private init(position: Int) { self.position = position }

    /// The dimension of this name.
    public init?(rawValue: String) {
        guard let position = Self.table.firstIndex(where: { $0.name == rawValue }) else { return nil }
        self.init(position: position)
    }

    /// Its name in addresses and options: `model`, `agent_kind`.
    public var rawValue: String { Self.table[position].name }
    /// Its name for people: `Model`, `Agent kind`.
    public var title: String { Self.table[position].title }
    /// What it is read from.
    public var source: Source { Self.table[position].source }
    /// All names there can be; nil where senders choose them.
    public var fixedNames: [String]? { Self.table[position].fixed }

    /// Whether all calls of a session have the same name.
    public var isOfSession: Bool {
        if case .session = source { return true }
        return false
    }

    /// The name of a session in this dimension; nil where it has none, and for dimensions of calls.
    public func name(of session: SessionNames) -> String? {
        guard case .session(let name) = source else { return nil }
        return name(session)
    }
}

/// What a session, or a call without one, is called in the dimensions of sessions.
public struct SessionNames: Sendable, Hashable {
    /// The program.
    public var agent: String?
    /// The repository or project.
    public var project: String?
    /// The person or account.
    public var user: String?
    /// The machine.
    public var machine: String?
    /// The team.
    public var team: String?
    /// The branch.
    public var branch: String?
    /// Whether another session began it.
    public var isSubagent = false

    /// Names of which none is known.
    public init() {}

    /// Who began it, in the API's words.
    public var kind: String { isSubagent ? Self.subagent : Self.main }

    /// The kind of a session that a person began.
    public static let main = "main"
    /// The kind of a session that another one began.
    public static let subagent = "subagent"
    /// All kinds.
    public static let kinds = [main, subagent]
}

extension HasOrigin {
    /// What the call is called where it has no session.
    public var ownNames: SessionNames {
        let origin = origin.value
        var names = SessionNames()
        (names.agent, names.project, names.user) = (origin.agent, origin.project, origin.user)
        (names.machine, names.team) = (origin.machine, origin.team)
        return names
    }
}

extension SessionUpdate {
    /// What the session is called in the dimensions of sessions.
    public var names: SessionNames {
        var names = SessionNames()
        (names.agent, names.project, names.user) = (agent, project, user)
        (names.machine, names.team, names.branch) = (machine, team, branch?.value)
        names.isSubagent = parent != nil
        return names
    }
}

extension Session {
    /// What the session is called in the dimensions of sessions.
    public var names: SessionNames {
        var names = SessionNames()
        (names.agent, names.project, names.user) = (agent, project, user)
        (names.machine, names.team, names.branch) = (machine, team, branch)
        names.isSubagent = parent != nil
        return names
    }
}

/// What the hub's operator calls people, and which team pays for whom.
///
/// Applied when a question is answered, so that a change of the rules holds for the past, too. A value; safe to use from many tasks at
/// once.
public struct NamingRules: Sendable, Hashable {
    /// Persons by the ids that senders use; several ids may be one person.
    public var people: [String: String] = [:]
    /// Teams by the ids of users, for sessions of which no record names a team.
    public var teamsOfUsers: [String: String] = [:]
    /// Teams by the keys of projects, for sessions whose user has no team either.
    public var teamsOfProjects: [String: String] = [:]

    /// No rules.
    public init() {}

    /// Whether a dimension is called the same as without rules.
    public func isSilent(about dimension: UsageDimension) -> Bool {
        dimension == .user
            ? people.isEmpty : dimension != .team || (teamsOfUsers.isEmpty && teamsOfProjects.isEmpty)
    }

    /// The names after the rules.
    public func applied(to names: SessionNames) -> SessionNames {
        var result = names
        result.user = names.user.map { people[$0] ?? $0 }
        result.team =
            names.team ?? names.user.flatMap { teamsOfUsers[$0] } ?? names.project.flatMap { teamsOfProjects[$0] }
        return result
    }

    /// The name of a session in a dimension after the rules.
    public func name(of session: SessionNames, in dimension: UsageDimension) -> String? {
        dimension.name(of: isSilent(about: dimension) ? session : applied(to: session))
    }
}
