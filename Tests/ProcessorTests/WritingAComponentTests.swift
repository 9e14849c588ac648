// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import OTLP
import Testing

/// The component of the page "Writing a component".
@Suite struct WritingAComponentTests {
    @Test func `it keeps the contract`() async throws {
        let folder = try TemporaryFolder()
        #expect(await ComponentConformance(.dropServices, home: folder.path).violations() == [])
    }

    @Test func `it drops the records of the services it names`() throws {
        let processor = DropServicesProcessor(names: ["shop"])
        var shop = try logs(#""eventName":"a""#, #""eventName":"b""#, resource: text("service.name", "shop"))
        try processor.process(&shop)
        #expect(shop.otlp.recordCount == 0)
        var other = try logs(#""eventName":"c""#, resource: text("service.name", "bank"))
        try processor.process(&other)
        #expect(other.otlp.recordCount == 1)
    }

    /// The page shows the code that is tested here, part by part.
    @Test func `the page has this very code`() throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        let page = tests.deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/CollectorKit/CollectorKit.docc/WritingAComponent.md")
        let shown = Markdown(try String(contentsOf: page, encoding: .utf8)).blocks.compactMap { block in
            if case .code("swift", let lines) = block { lines.joined(separator: "\n") } else { nil }
        }
        let code = try String(contentsOf: tests.appending(path: "DropServices.swift"), encoding: .utf8)
        // A part begins with the comment of a type; before the first one are the licence and the imports.
        let parts = code.split(separator: "\n\n/// ").enumerated().map { number, part in
            number == 0 ? String(part.drop { $0 != "\n" }) : "/// " + part
        }
        #expect(parts.count == 4)
        for part in parts { #expect(shown.contains(part.trimmingCharacters(in: .newlines))) }
    }
}
