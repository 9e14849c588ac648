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
    private let home = FileManager.default.temporaryDirectory.appending(path: "conformance-\(UUID().uuidString)").path

    @Test func `otlp keeps the contract`() async {
        let violations = await ComponentConformance(OTLPFactory(), home: home).violations()
        #expect(violations == [])
    }

    @Test func `tokens keeps the contract`() async {
        let violations = await ComponentConformance(TokensFactory(), home: home).violations()
        #expect(violations == [])
    }

    @Test func `pricing keeps the contract`() async {
        let violations = await ComponentConformance(PricingFactory(), home: home).violations()
        #expect(violations == [])
    }

    @Test func `sqlite keeps the contract`() async {
        var config = SQLiteConfig()
        config.path = ConfigPath("\(home)/telemetry.db")
        let violations = await ComponentConformance(SQLiteFactory(), config: config, home: home).violations()
        #expect(violations == [])
    }

    @Test func `stdout keeps the contract`() async {
        let violations = await ComponentConformance(StdoutFactory { _ in }, home: home).violations()
        #expect(violations == [])
    }

    @Test func `hub keeps the contract`() async {
        let violations = await ComponentConformance(HubFactory(), home: home).violations()
        #expect(violations == [])
    }
}
