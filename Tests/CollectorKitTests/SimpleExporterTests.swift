// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Testing

/// An exporter in one function.
struct SimpleExporterTests {
    @Test func `it keeps the contract`() async {
        let factory = OneFunction { { _ in } }
        #expect(await ComponentConformance(factory, home: "/tmp/simple-exporter").violations() == [])
    }

    @Test func `an error of the start ends the start, one that says why as it is`() async {
        struct Odd: Error {}
        let said = OneFunction { throw StartError(.permission, "it may not be read") }
        let other = OneFunction { throw Odd() }
        for (factory, reason) in [(said, StartError.Reason.permission), (other, .inputOutput)] {
            let result = await ComponentConformance(factory, home: "/tmp/simple-exporter").violations()
            #expect(result.contains { $0.contains(reason == .permission ? "may not be read" : "Odd") })
        }
    }
}

private struct OneFunction: ExporterFactory {
    typealias Config = NoConfig
    let type = "one_function"
    let summary = "takes everything"
    let open: @Sendable () async throws -> SimpleExporter.Export

    init(_ open: @escaping @Sendable () async throws -> SimpleExporter.Export) { self.open = open }

    func makeExporter(_ config: NoConfig, _ settings: ComponentSettings) -> any Exporter {
        SimpleExporter(settings, open: open)
    }
}

private struct NoConfig: ComponentConfig {
    static let documentation: [String: String] = [:]
}
