// SPDX-License-Identifier: Apache-2.0

import Collector
import FoundationEssentials
import Testing
import YAML

/// Every file under `Tests/Fixtures/bad` has beside it what the program says about it, word for word.
///
/// `RECORD=1 swift test --filter GoldenDiagnosticsTests` writes the answers anew; read them before they are committed.
struct GoldenDiagnosticsTests {
    private static let folder = Package.root.appending(path: "Tests/Fixtures/bad")

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".yaml") }
        .map { String($0.dropLast(5)) }
        .sorted()

    @Test func `the files were found`() {
        #expect(Self.names.count >= 20)
    }

    @Test(arguments: names)
    func `a mistake is explained`(name: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: name + ".yaml"), encoding: .utf8)
        let answer = LoadedConfig(text).diagnostics.rendered()
        let golden = Self.folder.appending(path: name + ".txt")
        if ProcessInfo.processInfo.environment["RECORD"] == "1" {
            try answer.write(to: golden, atomically: true, encoding: .utf8)
        }
        #expect(answer == (try String(contentsOf: golden, encoding: .utf8)))
        #expect(!answer.isEmpty)
    }
}
