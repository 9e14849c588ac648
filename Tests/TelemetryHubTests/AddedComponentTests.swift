// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import StdoutExporter
import Testing

@testable import TelemetryHub

/// Components beside the built-in ones.
struct AddedComponentTests {
    @Test func `a type that a built-in component has is refused, and nothing is added`() {
        #expect(throws: StartError.self) { try BuiltInPlugins.add([.exporter(StdoutFactory())]) }
        #expect(BuiltInPlugins.added.isEmpty)
    }

    @Test func `what an added component is for and its keys make its page`() {
        let page = ComponentPages.page(of: .exporter(StdoutFactory()))
        #expect(page.text.hasPrefix("# stdout\n"))
        #expect(page.text.contains("\n| key | default | meaning |\n"))
    }
}
