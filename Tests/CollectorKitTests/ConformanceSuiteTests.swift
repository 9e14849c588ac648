// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Testing

/// The suite finds what it is there to find.
struct ConformanceSuiteTests {
    @Test func `an exporter that breaks every rule is told of each`() async {
        let violations = await ComponentConformance(BrokenFactory(), home: "/tmp").violations()
        for part in [
            "has no summary", "greeting is not documented", "no key gone to document", "taken before the start",
            "taken after the shutdown",
            "not counted as sent", "isStore",
        ] {
            #expect(violations.contains { $0.contains(part) }, "\(part) in \(violations)")
        }
    }
}

private struct BrokenFactory: ExporterFactory {
    typealias Config = BrokenConfig
    let type = "broken"
    let summary = ""
    let isStore = true

    func makeExporter(_ config: BrokenConfig, _ settings: ComponentSettings) -> any Exporter { BrokenExporter() }
}

private struct BrokenConfig: ComponentConfig {
    var greeting = "hello"
    static let documentation = ["gone": "a key that was renamed"]
}

private struct BrokenExporter: Exporter {
    func consume(_ batch: Batch) async throws(ConsumeError) {}
}
