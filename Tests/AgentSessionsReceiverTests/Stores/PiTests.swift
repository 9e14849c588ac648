// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// Sessions of pi.
struct PiTests {
    @Test func `a fork's copies belong to the session that made the calls`() async throws {
        let (books, _) = try await scanned(try PiFixtures.fixtures[0].home())
        #expect(books.calls.filter { $0.session == "s-two" }.map(\.counts.output) == [5])
        #expect(books.sessions["s-two"]?.parent == "s-one")
        let call = try #require(books.calls.first { $0.counts.cacheRead > 0 })
        #expect(call.reportedCost == Money(nanodollars: 10_125_000) && call.provider == "anthropic")
        #expect(call.agent == "pi" && call.model == "claude-sonnet-4-5" && call.project == "/gone/shop")
        // Usage without a model of its own is the session's.
        #expect(Set(books.calls.map(\.model)) == ["claude-sonnet-4-5"])
        #expect(books.calls.filter { $0.agent == "omp" }.count == 1)
    }
}
