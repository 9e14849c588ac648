// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Testing
import Usage

/// The sessions of records.
struct BatchSessionsTests {
    private static func update(_ id: String) -> SessionUpdate {
        SessionUpdate(id: id, time: Timestamp(nanoseconds: 1))
    }

    @Test func `a record that belongs to none, and one there is not, have no session`() {
        var sessions = BatchSessions()
        #expect(sessions.isEmpty && sessions[record: 0] == nil)
        sessions.assign(record: 3, to: sessions.append(Self.update("a")))
        #expect((-1...5).map { sessions[record: $0]?.id } == [nil, nil, nil, nil, "a", nil, nil])
        // No position, no session.
        sessions.assign(record: 0, to: 7)
        sessions.assign(record: -1, to: 0)
        #expect(sessions[record: 0] == nil && sessions.count == 1)
    }

    /// Compared with a dictionary from records to sessions, for any removals.
    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func `records keep their sessions when others are removed`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var (sessions, model) = (BatchSessions(), [Int: String]())
        for record in 0..<Int.random(in: 0...60, using: &random) where Bool.random(using: &random) {
            let id = "\(Int.random(in: 0...8, using: &random))"
            let known = sessions.firstIndex { $0.id == id }
            sessions.assign(record: record, to: known ?? sessions.append(Self.update(id)))
            model[record] = id
        }
        for _ in 0..<3 {
            let gone = Set((0...8).filter { _ in Bool.random(using: &random) }.map(String.init))
            sessions.removeAll { gone.contains($0.id) }
            model = model.filter { !gone.contains($0.value) }
            #expect(Set(sessions.map(\.id)).isDisjoint(with: gone))
            for record in 0..<70 { #expect(sessions[record: record]?.id == model[record]) }
        }
    }
}
