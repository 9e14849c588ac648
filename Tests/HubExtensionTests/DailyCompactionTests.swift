// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import Testing
import Usage

@testable import HubExtension

/// Which collector compacts a store, and how often.
struct DailyCompactionTests {
    private static func run(_ store: FakeStore, at clock: Clock) async throws {
        let settings = ComponentSettings(
            id: try #require(ComponentID("hub")),
            logger: Logger(label: "hub") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { clock.now }
        )
        let usage = UsageAPI(
            config: HubConfig(),
            store: store,
            scanners: [],
            pricing: nil,
            now: { clock.now },
            limits: LimitBook(home: "/nowhere")
        )
        await DailyCompaction.run(usage, settings)
    }

    @Test func `of the collectors of one store one compacts it a day`() async throws {
        let (desk, clock) = (DutyDesk(), Clock())
        let stores = [FakeStore(), FakeStore()]
        for store in stores { store.prepare { $0.desk = desk } }
        func compactions() -> [Int] { stores.map { $0.asked.borders.count } }
        for store in stores { try await Self.run(store, at: clock) }
        #expect(compactions() == [1, 0])
        desk.expire()
        for store in stores.reversed() { try await Self.run(store, at: clock) }
        #expect(compactions() == [1, 0], "one was done a moment ago")
        try clock.set("2026-11-23T12:00:01.000Z")
        desk.expire()
        for store in stores.reversed() { try await Self.run(store, at: clock) }
        #expect(compactions() == [1, 1])
    }

    @Test func `a store of its own is compacted each time`() async throws {
        let (store, clock) = (FakeStore(), Clock())
        for _ in 0..<2 { try await Self.run(store, at: clock) }
        #expect(store.asked.borders.count == 2)
    }
}
