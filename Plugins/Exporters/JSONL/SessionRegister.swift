// SPDX-License-Identifier: Apache-2.0

import Usage

/// A session with everything that answers about it need.
struct KeptSession {
    var update: SessionUpdate
    /// Holds the calls of an agent that names no session; never listed.
    let isHidden: Bool
    /// Whether a record names it.
    var isSighted = false
    /// The sums over its counted calls.
    var totals = ExactTotals()
    /// How many counted calls each model has.
    var callsByModel: [Int32: Int] = [:]
    /// All its calls, counted or not.
    var calls: Set<UInt64> = []
    /// The newest counted call.
    var newest: NewestCall?
    /// The lines that hold records of it.
    var lines: [LineRef] = []

    /// Whether it is shown: it may be a trace whose calls turned out to belong elsewhere.
    var isListed: Bool { !isHidden && (isSighted || totals.calls > 0) }

    var isCompleted: Bool { (update.completion?.value ?? 0) != 0 }

    /// The session as answers have it, without sums.
    func session(_ models: NameTable) -> Session {
        var session = Session(id: update.id, startedAt: update.firstSeen, lastSeenAt: update.lastSeen)
        session.name = update.name?.value ?? update.id
        session.agent = update.agent
        session.model = newest.flatMap { models[$0.model] }
        session.project = update.project
        session.user = update.user
        session.machine = update.machine
        session.team = update.team
        session.branch = update.branch?.value
        session.agentVersion = update.agentVersion?.value
        session.parent = update.parent
        session.taskStatus = update.taskStatus?.value
        session.isCompleted = isCompleted
        session.provenance = update.provenance
        session.comparableCost = update.comparableCost
        return session
    }
}

/// Who runs a session, as numbers of names (``SessionRegister/names``): small, because summaries look at every session.
struct SessionOwner {
    var isHidden: Bool
    private var numbers = SIMD16<Int32>()

    /// Numbers the names of a session.
    init(_ session: KeptSession, number: (String?, UsageDimension) -> Int32) {
        isHidden = session.isHidden
        let names = session.update.names
        for dimension in UsageDimension.ofSessions {
            numbers[dimension.position] = number(dimension.name(of: names), dimension)
        }
    }

    /// The number of a name; there is none for dimensions of calls.
    subscript(dimension: UsageDimension) -> Int32 { numbers[dimension.position] }
}

/// The newest call of a session and its model.
struct NewestCall {
    var time: Timestamp
    var id: UInt64
    var model: Int32

    /// The order of calls in answers.
    static func isEarlier(_ left: (Timestamp, UInt64), _ right: (Timestamp, UInt64)) -> Bool {
        (left.0, Int64(bitPattern: left.1)) < (right.0, Int64(bitPattern: right.1))
    }
}

/// All sessions, each with a small number of its own.
struct SessionRegister {
    private(set) var slots: [KeptSession?] = []
    /// Who runs the session of each slot.
    private(set) var owners: [SessionOwner?] = []
    /// The sessions that each session started; one that was forgotten or started by another after all may still stand here.
    private var children: [String: Set<Int32>] = [:]
    private var numbers: [Key: Int32] = [:]
    private var free: [Int32] = []
    /// The names in each dimension of sessions.
    private(set) var names: [UsageDimension: NameTable] = [:]

    private struct Key: Hashable {
        var id: String
        var isHidden: Bool
    }

    /// The session with a number.
    subscript(number: Int32) -> KeptSession? {
        get { slots[Int(number)] }
        _modify { yield &slots[Int(number)] }
    }

    /// The number of a session that records or calls name; nil when it is unknown.
    func number(of id: String) -> Int32? { numbers[Key(id: id, isHidden: false)] }

    /// The sessions that a session started.
    func children(of id: String) -> [KeptSession] {
        (children[id] ?? []).compactMap { slots[Int($0)] }.filter { $0.update.parent == id && $0.isListed }
    }

    /// Takes in what is told of a session; its number.
    mutating func note(_ update: SessionUpdate, isSighted: Bool, isHidden: Bool = false) -> Int32 {
        let key = Key(id: update.id, isHidden: isHidden)
        if let known = numbers[key] {
            slots[Int(known)]?.update.merge(update)
            nameOwner(known)
            if isSighted { slots[Int(known)]?.isSighted = true }
            adopt(known)
            return known
        }
        var session = KeptSession(update: update, isHidden: isHidden)
        session.isSighted = isSighted
        let number: Int32
        if let slot = free.popLast() {
            number = slot
            slots[Int(slot)] = session
        } else {
            number = Int32(clamping: slots.count)
            slots.append(session)
        }
        numbers[key] = number
        nameOwner(number)
        adopt(number)
        return number
    }

    private mutating func nameOwner(_ number: Int32) {
        if owners.count < slots.count { owners += Array(repeating: nil, count: slots.count - owners.count) }
        guard let session = slots[Int(number)] else { return }
        var names = names
        self.names = [:]
        owners[Int(number)] = SessionOwner(session) { names[$1, default: NameTable()].number(of: $0) }
        self.names = names
    }

    private mutating func adopt(_ number: Int32) {
        if let parent = slots[Int(number)]?.update.parent { children[parent, default: []].insert(number) }
    }

    /// Forgets a session.
    mutating func remove(_ number: Int32) {
        guard let session = slots[Int(number)] else { return }
        numbers[Key(id: session.update.id, isHidden: session.isHidden)] = nil
        if let parent = session.update.parent {
            children[parent]?.remove(number)
            if children[parent]?.isEmpty == true { children[parent] = nil }
        }
        slots[Int(number)] = nil
        owners[Int(number)] = nil
        free.append(number)
    }
}

/// Names that occur over and over, each with a small number.
struct NameTable {
    private var names: [String?] = []
    private var numbers: [String?: Int32] = [:]

    subscript(number: Int32) -> String? { names[Int(number)] }

    mutating func number(of name: String?) -> Int32 {
        if let known = numbers[name] { return known }
        let number = Int32(clamping: names.count)
        names.append(name)
        numbers[name] = number
        return number
    }

    /// How many numbers there are.
    var count: Int { names.count }

    /// All names.
    var known: Set<String> { Set(names.compactMap(\.self)) }

    /// The number of a name that is known.
    func known(_ name: String?) -> Int32? { numbers[name] }
}
