// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

@testable import UsageDatabase

/// The names of a dimension, and what is read for them.
struct NamesTests {
    /// A store of two models and one session.
    private final class Store: SumsSnapshot {
        var modelNames = ["a", "b"]
        private(set) var ownerReads = 0
        private(set) var modelsRead = 0

        func revision() throws -> Int64 { 7 }
        func changes(of days: ClosedRange<Int64>) throws -> [Int64: Int64] { [:] }
        func firstDay(in days: Range<Int64>) throws -> Int64? { nil }
        func sums(ofDay day: Int64) throws -> [SummaryMemory.Sums] { [] }

        func forEachOwner(changedAfter revision: Int64, _ body: (SummaryMemory.OwnerRow) throws -> Void) throws {
            ownerReads += 1
            try body(
                SummaryMemory.OwnerRow(
                    session: 1,
                    isHidden: false,
                    names: UsageDimension.ofSessions.map { $0 == .project ? "web" : "" }
                )
            )
        }

        func forEachModel(after row: Int64, _ body: (_ row: Int64, _ name: String) throws -> Void) throws {
            for (place, name) in modelNames.enumerated() where Int64(place) + 1 > row {
                modelsRead += 1
                try body(Int64(place) + 1, name)
            }
        }

        func sessions(_ rows: [Int64]) throws -> [Session?] { rows.map { _ in nil } }
        func sessionIDs(_ rows: [Int64]) throws -> [String] { rows.map { _ in "" } }
        func forEachSessionByID(_ body: (_ row: Int32) throws -> Bool) throws {}
        func activeSessions(at now: Timestamp, _ filter: UsageFilter) throws -> Int { 0 }
        func missing(_ kind: String, _ row: Int64, namedBy referrer: String) -> any Error { CancellationError() }
    }

    @Test func `models are named without reading a row for each session, and each model once`() throws {
        let (memory, store) = (SummaryMemory(), Store())
        #expect(try memory.names(of: .model, store) == ["a", "b"])
        #expect(store.ownerReads == 0)
        store.modelNames.append("c")
        #expect(try memory.names(of: .project, store) == ["web"])
        #expect(try memory.names(of: .model, store) == ["a", "b", "c"])
        #expect(store.ownerReads == 1 && store.modelsRead == 3)
    }
}
