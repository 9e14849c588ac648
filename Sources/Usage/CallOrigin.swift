// SPDX-License-Identifier: Apache-2.0

/// Who made a call, where and with which model: the texts that the calls of a session have in common.
public struct CallOrigin: Sendable, Hashable {
    /// The session of the agent, or the group of calls without one (``sessionIsTrace``).
    public var session: String?
    /// Whether ``session`` is no session that anything named: a ``SessionGroup``, or the trace id that earlier versions put there.
    public var sessionIsTrace = false
    /// Whether the record was found in a background fork, which begins with copies of its parent's calls: another session that has the
    /// call made it.
    public var sessionIsFork = false
    /// The program that made the call, such as `claude-code`, or a service name.
    public var agent: String?
    /// The company or gateway that answered, in OpenTelemetry's spelling.
    public var provider: String?
    /// The model that answered, as reported.
    public var model: String?
    /// The person or account.
    public var user: String?
    /// The repository or project.
    public var project: String?
    /// Whether the call names no user in a trace that names several: such a trace lends none, and takes back what it lent before the
    /// second came.
    public var userIsShared = false
    /// The machine on which the agent ran.
    public var machine: String?
    /// The team that pays.
    public var team: String?

    /// Creates an origin of which nothing is known.
    public init() {}

    /// Whether the call names no session in a trace that names several.
    ///
    /// Such a trace lends none, and takes back what it lent before the second came. Nothing else sets both flags.
    public var isTraceShared: Bool {
        get { sessionIsTrace && sessionIsFork }
        set { (sessionIsTrace, sessionIsFork) = (newValue, newValue) }
    }

    /// How much ``session`` says about who made the call: nothing, a trace, a fork that may have copied it, the session itself.
    var sessionStanding: UInt8 { session == nil ? 0 : sessionIsTrace ? 1 : sessionIsFork ? 2 : 3 }

    /// Which of two deliveries of one observation knows its session better: a shared trace takes back what it lent.
    private var deliveryStanding: UInt8 { session != nil && isTraceShared ? 4 : sessionStanding }

    /// Takes in what a second delivery of an observation knows; of two texts the smaller stays, and the better session.
    mutating func merge(_ other: CallOrigin) {
        if deliveryStanding < other.deliveryStanding {
            (session, sessionIsTrace, sessionIsFork) = (other.session, other.sessionIsTrace, other.sessionIsFork)
        } else if deliveryStanding == other.deliveryStanding, let mine = session, let theirs = other.session {
            session = min(mine, theirs)
        }
        agent = Self.smaller(agent, other.agent)
        provider = Self.smaller(provider, other.provider)
        model = Self.smaller(model, other.model)
        userIsShared = userIsShared || other.userIsShared
        user = userIsShared ? nil : Self.smaller(user, other.user)
        project = Self.smaller(project, other.project)
        machine = Self.smaller(machine, other.machine)
        team = Self.smaller(team, other.team)
        nameGroup()
    }

    /// What sets groups of one service and day apart.
    public var groupDetails: [String?] { [user, project, machine, team] }

    /// Names the group of a call without a session after what is known of the call now: a user that was lent later is in it, too.
    public mutating func nameGroup() {
        guard sessionIsTrace, let group = session else { return }
        session = SessionGroup.id(group, details: groupDetails) ?? group
    }

    /// The smaller of two texts, or the one that is known: the choice does not depend on their order.
    static func smaller(_ left: String?, _ right: String?) -> String? {
        guard let left else { return right }
        guard let right else { return left }
        return min(left, right)
    }
}

/// An origin that observations and calls share, so that to copy one of them counts one reference instead of eight.
///
/// A value: a change to one text makes another origin. Code that sets several texts sets ``value`` once.
public struct SharedOrigin: Sendable, Hashable {
    private var box: Box

    private final class Box: Sendable {
        let value: CallOrigin

        init(_ value: CallOrigin) { self.value = value }
    }

    /// The origin of which nothing is known.
    public static let unknown = SharedOrigin(CallOrigin())

    /// Makes an origin that can be shared.
    public init(_ value: CallOrigin) { box = Box(value) }

    /// The texts.
    public var value: CallOrigin {
        get { box.value }
        set { box = Box(newValue) }
    }

    /// Whether both share one memory; those that do not may still be equal.
    public func isIdentical(to other: SharedOrigin) -> Bool { box === other.box }

    /// Whether these are its texts.
    public func holds(_ texts: CallOrigin) -> Bool { box.value == texts }

    /// Takes in what a second delivery of an observation knows.
    mutating func merge(_ other: SharedOrigin) {
        guard self != other else { return }
        value.merge(other.value)
    }

    /// Equal if the texts are.
    public static func == (left: SharedOrigin, right: SharedOrigin) -> Bool {
        left.box === right.box || left.box.value == right.box.value
    }

    /// Hashes the texts.
    public func hash(into hasher: inout Hasher) { hasher.combine(box.value) }
}

/// Something that has an origin and shows its texts as its own.
public protocol HasOrigin {
    /// Who made the call, where and with which model.
    var origin: SharedOrigin { get set }
}

extension HasOrigin {
    /// The session of the agent, or the group of calls without one (``sessionIsTrace``).
    public var session: String? {
        get { origin.value.session }
        set { origin.value.session = newValue }
    }

    /// Whether ``session`` is no session that anything named.
    public var sessionIsTrace: Bool {
        get { origin.value.sessionIsTrace }
        set { origin.value.sessionIsTrace = newValue }
    }

    /// The program that made the call, such as `claude-code`, or a service name.
    public var agent: String? {
        get { origin.value.agent }
        set { origin.value.agent = newValue }
    }

    /// The company or gateway that answered, in OpenTelemetry's spelling.
    public var provider: String? {
        get { origin.value.provider }
        set { origin.value.provider = newValue }
    }

    /// The model that answered, as reported.
    public var model: String? {
        get { origin.value.model }
        set { origin.value.model = newValue }
    }

    /// The person or account.
    public var user: String? {
        get { origin.value.user }
        set { origin.value.user = newValue }
    }

    /// The repository or project.
    public var project: String? {
        get { origin.value.project }
        set { origin.value.project = newValue }
    }

    /// The machine on which the agent ran.
    public var machine: String? {
        get { origin.value.machine }
        set { origin.value.machine = newValue }
    }

    /// The team that pays.
    public var team: String? {
        get { origin.value.team }
        set { origin.value.team = newValue }
    }
}
