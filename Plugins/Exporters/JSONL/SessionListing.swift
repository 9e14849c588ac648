// SPDX-License-Identifier: Apache-2.0

import Usage

/// The conditions of a listing.
struct SessionFilter {
    private let query: SessionQuery
    /// The numbers of the models that are meant; nil for all.
    private let models: [Int32]?
    private let text: [UInt8]?
    private let hasCall: (KeptSession) -> Bool

    /// - Parameter hasCall: Whether a session has a call in an hour that is meant.
    init(_ query: SessionQuery, _ models: NameTable, hasCall: @escaping (KeptSession) -> Bool) {
        (self.query, self.hasCall) = (query, hasCall)
        let wanted = query.filter[.model]
        self.models =
            wanted.isEmpty
            ? nil : wanted.flatMap { [models.known($0), $0.isEmpty ? models.known(nil) : nil].compactMap(\.self) }
        text = query.text.map(Self.folded)
    }

    func matches(_ session: KeptSession) -> Bool {
        let update = session.update
        if let id = query.id, id != update.id { return false }
        guard session.isListed else { return false }
        guard query.filter.allows(update.names), query.isSeen(from: update.firstSeen, to: update.lastSeen)
        else { return false }
        if let models, !models.contains(where: { session.callsByModel[$0] != nil }) { return false }
        if !query.filter[.hour].isEmpty, !hasCall(session) { return false }
        if let status = query.status, session.status(at: query.now) != status { return false }
        guard let text else { return true }
        return query.searchedTexts(id: update.id, name: update.name?.value, update.names)
            .contains { Self.contains(Self.folded($0), text) }
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
        var session = Session(id: "", startedAt: update.firstSeen, lastSeenAt: update.lastSeen)
        session.isCompleted = isCompleted
        return session.status(at: now)
    }
}

extension SessionQuery.Place {
    /// The place of a session in an order.
    init(of session: KeptSession, by sort: SessionQuery.Sort) {
        var brief = Session(
            id: session.update.id,
            startedAt: session.update.firstSeen,
            lastSeenAt: session.update.lastSeen
        )
        if sort == .name { brief.name = session.update.name?.value ?? brief.id }
        brief.totals = session.totals.totals
        self.init(of: brief, by: sort)
    }
}
