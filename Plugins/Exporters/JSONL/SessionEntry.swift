// SPDX-License-Identifier: Apache-2.0

import Usage

/// What a line says about one session.
struct SessionEntry {
    var update: SessionUpdate
    /// Whether a record names the session; otherwise only calls do.
    var isSighted: Bool
    /// Which records of the line belong to the session, as first and last positions.
    var records: [ClosedRange<Int>] = []

    func write(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        bytes.append("sessionId", text: update.id)
        if isSighted { bytes.append("sighted", flag: true) }
        bytes.append("firstUnixNano", unixNano: update.firstSeen)
        bytes.append("lastUnixNano", unixNano: update.lastSeen)
        bytes.append("agent", text: update.agent)
        bytes.append("user", text: update.user)
        bytes.append("project", text: update.project)
        bytes.append("machine", text: update.machine)
        bytes.append("team", text: update.team)
        bytes.append("parent", text: update.parent)
        if !update.provenance.isEmpty { bytes.append("knowledge", number: Int64(update.provenance.rawValue)) }
        Self.write("name", "nameUnixNano", update.name, to: &bytes)
        Self.write("branch", "branchUnixNano", update.branch, to: &bytes)
        Self.write("agentVersion", "versionUnixNano", update.agentVersion, to: &bytes)
        Self.write("taskStatus", "statusUnixNano", update.taskStatus, to: &bytes)
        if let cost = update.reportedCost {
            bytes.append("reportedCost", money: cost.value)
            bytes.append("reportedUnixNano", unixNano: cost.time)
        }
        if let completion = update.completion {
            bytes.append("completed", flag: completion.value != 0)
            bytes.append("endUnixNano", unixNano: completion.time)
        }
        writeRecords(to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func write(
        _ key: StaticString,
        _ timeKey: StaticString,
        _ fact: LastWrite<String>?,
        to bytes: inout [UInt8]
    ) {
        guard let fact else { return }
        bytes.append(key, text: fact.value)
        bytes.append(timeKey, unixNano: fact.time)
    }

    private func writeRecords(to bytes: inout [UInt8]) {
        guard !records.isEmpty else { return }
        bytes.append(key: "records")
        bytes.append(UInt8(ascii: "["))
        for range in records {
            if bytes.last != UInt8(ascii: "[") { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "["))
            bytes.append(decimal: Int64(range.lowerBound))
            bytes.append(UInt8(ascii: ","))
            bytes.append(decimal: Int64(range.upperBound))
            bytes.append(UInt8(ascii: "]"))
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Reads what ``write(to:)`` wrote.
    init(_ cursor: inout LineCursor) throws(LineError) {
        var id: String?
        var facts = Facts()
        var note = SessionEntry(update: SessionUpdate(id: "", time: Timestamp(nanoseconds: 0)), isSighted: false)
        try cursor.object { cursor, key throws(LineError) in
            switch key {
            case .sessionId: id = try cursor.text()
            case .sighted: note.isSighted = try cursor.flag()
            case .firstUnixNano: note.update.firstSeen = try cursor.unixNano()
            case .lastUnixNano: note.update.lastSeen = try cursor.unixNano()
            case .agent: note.update.agent = try cursor.text()
            case .user: note.update.user = try cursor.text()
            case .project: note.update.project = try cursor.text()
            case .machine: note.update.machine = try cursor.text()
            case .team: note.update.team = try cursor.text()
            case .parent: note.update.parent = try cursor.text()
            case .provenance:
                note.update.provenance = Provenance(rawValue: UInt8(truncatingIfNeeded: try cursor.integer()))
            case .records: note.records = try cursor.ranges()
            default: if try !facts.read(key, &cursor) { try cursor.skip() }
            }
        }
        guard let id else { throw .malformed }
        self = note
        update.id = id
        facts.fill(&update)
    }

    init(update: SessionUpdate, isSighted: Bool) {
        self.update = update
        self.update.isImplied = false
        self.isSighted = isSighted
    }
}

/// What can change about a session while its line is read, value and time by themselves.
private struct Facts {
    private var texts: [LineKey: String] = [:]
    private var times: [LineKey: Timestamp] = [:]
    private var isCompleted: Bool?
    private var reportedCost: Money?

    mutating func read(_ key: LineKey, _ cursor: inout LineCursor) throws(LineError) -> Bool {
        switch key {
        case .name, .branch, .agentVersion, .taskStatus: texts[key] = try cursor.text()
        case .nameUnixNano, .branchUnixNano, .versionUnixNano, .statusUnixNano, .endUnixNano, .reportedUnixNano:
            times[key] = try cursor.unixNano()
        case .completed: isCompleted = try cursor.flag()
        case .reportedCost: reportedCost = try cursor.money()
        default: return false
        }
        return true
    }

    func fill(_ update: inout SessionUpdate) {
        update.name = fact(.name, .nameUnixNano)
        update.branch = fact(.branch, .branchUnixNano)
        update.agentVersion = fact(.agentVersion, .versionUnixNano)
        update.taskStatus = fact(.taskStatus, .statusUnixNano)
        if let reportedCost, let time = times[.reportedUnixNano] {
            update.reportedCost = LastWrite(reportedCost, at: time)
        }
        guard let isCompleted, let time = times[.endUnixNano] else { return }
        update.completion = LastWrite(isCompleted ? 1 : 0, at: time)
    }

    private func fact(_ key: LineKey, _ timeKey: LineKey) -> LastWrite<String>? {
        guard let text = texts[key], let time = times[timeKey] else { return nil }
        return LastWrite(text, at: time)
    }
}
