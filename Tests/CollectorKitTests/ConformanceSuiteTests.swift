// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import Testing

/// The suite detects the violations that it is made for.
struct ConformanceSuiteTests {
    @Test func `every rule that an exporter breaks is reported`() async {
        let violations = await ComponentConformance(.broken, home: "/tmp").violations()
        for part in [
            "has no summary", "greeting is not documented", "no key gone to document", "counted as sent",
        ] {
            #expect(violations.contains { $0.contains(part) }, "\(part) in \(violations)")
        }
    }

    @Test func `a factory that declares a store and makes none is reported`() async {
        let violations = await ComponentConformance(.noStore, home: "/tmp").violations()
        #expect(violations.contains { $0.contains("isStore of the factory no_store is wrong") }, "\(violations)")
    }
}

extension ComponentFactory {
    fileprivate static let broken = exporter("broken", BrokenConfig.self, summary: "") { _, settings in
        BrokenExporter(counters: settings.counters)
    }
    fileprivate static let noStore = exporter("no_store", BrokenConfig.self, isStore: true, summary: "") {
        _,
        settings in
        BrokenExporter(counters: settings.counters)
    }
}

private struct BrokenConfig: ComponentConfig {
    var greeting = "hello"
    static let documentation = ["gone": "a key that was renamed"]
}

private struct BrokenExporter: Exporter {
    let counters: ComponentCounters

    func consume(_ batch: Batch) async throws(ConsumeError) { counters.add(batch.otlp.recordCount, to: .sent) }
}
