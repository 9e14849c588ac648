// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// Sessions of Kimi Code and of Kimi CLI before it.
struct KimiTests {
    @Test func `the model is that of the request, not the alias of the record`() async throws {
        let (books, _) = try await scanned(try KimiFixtures.fixtures[0].home())
        #expect(Set(books.calls.map(\.model)) == ["kimi-k2.7-code"])
        #expect(books.calls.allSatisfy { $0.agent == "kimi-code" && $0.session == "s-1" && $0.project == "/gone/shop" })
    }

    @Test func `Kimi CLI names no model and has the time in seconds`() async throws {
        let home = try TestHome()
        let file = KimiFixtures.fixtures[1].files[0]
        try home.write(file.bytes, to: file.path)
        let (books, _) = try await scanned(home)
        #expect(books.calls.map(\.model) == [nil, nil])
        #expect(books.calls.map(\.time.milliseconds) == [1_796_000_100_500, 1_796_000_200_500])
    }
}
