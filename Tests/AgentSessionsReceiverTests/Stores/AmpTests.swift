// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// Threads of Amp.
struct AmpTests {
    @Test func `the ledger names the call, the message tells the cache`() async throws {
        let (books, _) = try await scanned(try AmpFixtures.fixtures[0].home())
        let call = try #require(books.calls.first { $0.counts.output == 200 })
        #expect(call.counts.uncachedInput == 12 && call.counts.cacheRead == 8_000 && call.counts.cacheWrite == 300)
        #expect(call.model == "claude-opus-4-5" && call.reportedCost == nil && call.project == "/gone/shop")
        #expect(books.calls.first { $0.counts.output == 50 }?.model == nil)
        #expect(books.sessions["T-1"]?.name?.value == "fix it")
    }
}
