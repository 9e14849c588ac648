// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import HubExtension
import OTLPReceiver
import PricingProcessor
import SQLiteExporter
import StdoutExporter
import Testing
import TokensProcessor

/// Every built-in component keeps the contracts of CollectorKit.
struct ConformanceTests {
    private let folder: TemporaryFolder
    private var home: String { folder.path }

    init() throws { folder = try TemporaryFolder() }

    @Test func `otlp keeps the contract`() async {
        let violations = await ComponentConformance(.otlp, home: home).violations()
        #expect(violations == [])
    }

    @Test func `tokens keeps the contract`() async {
        let violations = await ComponentConformance(.tokens, home: home).violations()
        #expect(violations == [])
    }

    @Test func `pricing keeps the contract`() async {
        let violations = await ComponentConformance(.pricing, home: home).violations()
        #expect(violations == [])
    }

    @Test func `sqlite keeps the contract`() async {
        var config = SQLiteConfig()
        config.path = ConfigPath("\(home)/telemetry.db")
        let violations = await ComponentConformance(.sqlite, config: config, home: home).violations()
        #expect(violations == [])
    }

    @Test func `stdout keeps the contract`() async {
        let violations = await ComponentConformance(.stdout { _ in }, home: home).violations()
        #expect(violations == [])
    }

    @Test func `hub keeps the contract`() async {
        let violations = await ComponentConformance(.hub(), home: home).violations()
        #expect(violations == [])
    }
}
