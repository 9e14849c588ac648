// SPDX-License-Identifier: Apache-2.0

import Usage

/// The conditions of a listing.
struct SessionFilter {
    private let query: SessionQuery
    private let model: Int32?
    private let text: [UInt8]?

    init(_ query: SessionQuery, _ models: NameTable) {
        self.query = query
        model = query.model.map { models.known($0) ?? ($0.isEmpty ? models.known(nil) : nil) ?? -1 }
        text = query.text.map(Self.folded)
    }

    func matches(_ session: KeptSession) -> Bool {
        guard session.isListed else { return false }
        let sighting = session.sighting
        if let agent = query.agent, sighting.agent != agent { return false }
        if let project = query.project, sighting.project != project { return false }
        if let model, session.callsByModel[model] == nil { return false }
        if let status = query.status, session.status(at: query.now) != status { return false }
        guard let text else { return true }
        return [sighting.id, sighting.name?.value, sighting.project, sighting.user].contains { name in
            name.map { Self.contains(Self.folded($0), text) } ?? false
        }
    }

    /// The bytes with the letters of ASCII in lower case.
    private static func folded(_ text: String) -> [UInt8] {
        text.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }
    }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard let first = part.first else { return true }
        guard bytes.count >= part.count else { return false }
        return (0...bytes.count - part.count).contains {
            bytes[$0] == first && bytes[$0..<$0 + part.count].elementsEqual(part)
        }
    }
}

extension KeptSession {
    fileprivate func status(at now: Timestamp) -> Session.Status {
        var session = Session(id: "", startedAt: sighting.firstSeen, lastSeenAt: sighting.lastSeen)
        session.isCompleted = isCompleted
        return session.status(at: now)
    }
}

/// The order of a listing; equals are in the order of their ids.
struct SessionOrder {
    private let query: SessionQuery

    init(_ query: SessionQuery) {
        self.query = query
    }

    struct Key {
        var number: Int128
        var name: String
        var id: String
    }

    func key(of session: KeptSession) -> Key {
        let sighting = session.sighting
        let (first, last) = (Int128(sighting.firstSeen.nanoseconds), Int128(sighting.lastSeen.nanoseconds))
        var key = Key(number: 0, name: "", id: sighting.id)
        switch query.sort {
        case .lastSeenAt: key.number = last
        case .startedAt: key.number = first
        case .cost: key.number = Int128(Int64(clamping: session.totals.cost))
        case .totalTokens: key.number = Int128(Int64(clamping: session.totals.tokens))
        case .calls: key.number = Int128(session.totals.calls)
        case .durationMs: key.number = last - first
        case .name: key.name = sighting.name?.value ?? sighting.id
        }
        return key
    }

    func isBefore(_ left: Key, _ right: Key) -> Bool {
        let (first, second) = query.descending ? (right, left) : (left, right)
        if first.number != second.number { return first.number < second.number }
        if first.name != second.name { return first.name.utf8.lexicographicallyPrecedes(second.name.utf8) }
        return left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
    }
}
