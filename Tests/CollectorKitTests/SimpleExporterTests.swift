// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Testing

/// An exporter in one function.
struct SimpleExporterTests {
    @Test func `it keeps the contract`() async {
        let factory = ComponentFactory.oneFunction { { _ in } }
        #expect(await ComponentConformance(factory, home: "/tmp/simple-exporter").violations() == [])
    }

    @Test func `an error of the start ends the start, one that says why as it is`() async {
        struct Odd: Error {}
        let said = ComponentFactory.oneFunction { throw StartError(.permission, "it may not be read") }
        let other = ComponentFactory.oneFunction { throw Odd() }
        for (factory, reason) in [(said, StartError.Reason.permission), (other, .inputOutput)] {
            let result = await ComponentConformance(factory, home: "/tmp/simple-exporter").violations()
            #expect(result.contains { $0.contains(reason == .permission ? "may not be read" : "Odd") })
        }
    }
}

extension ComponentFactory {
    fileprivate static func oneFunction(
        _ open: @escaping @Sendable () async throws -> SimpleExporter.Export
    ) -> ComponentFactory {
        .exporter("one_function", NoConfig.self, summary: "takes everything") { _, settings in
            SimpleExporter(settings, open: open)
        }
    }
}

private struct NoConfig: ComponentConfig {
    static let documentation: [String: String] = [:]
}
