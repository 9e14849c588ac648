// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Testing

@testable import PluginProcesses

struct PluginInquiryTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func inquiry(_ body: String) throws -> PluginInquiry {
        let script = try folder.write(body, to: "plugin.sh")
        return PluginInquiry(command: PluginCommand(["/bin/sh", script]), folder: "\(folder.path)/kept")
    }

    private func runs() -> Int { (try? folder.read("runs").count) ?? 0 }

    private func describing(_ type: String) -> String {
        """
        printf x >> \(folder.path)/runs
        [ "$1" = --describe ] || exit 9
        echo '{"protocol":[1,1],"name":"a","components":[{"kind":"exporter","type":"\(type)"}]}'
        """
    }

    @Test func `a plugin is run again only when its files have changed`() throws {
        for _ in 0..<3 {
            let description = try inquiry(describing("ledger")).description()
            #expect(description.components.map(\.type) == ["ledger"])
        }
        #expect(runs() == 1)
        #expect(try inquiry(describing("ledger_csv")).description().components.map(\.type) == ["ledger_csv"])
        #expect(runs() == 2)
    }

    @Test(arguments: ["exit 1", "echo nothing", "echo '{}'; exit 0", "yes", "exec sleep 60 >&-; echo"])
    func `a plugin that does not describe itself is refused`(body: String) throws {
        var inquiry = try inquiry(body)
        inquiry.time = .milliseconds(500)
        let limited = inquiry
        #expect(throws: StartError.self) { try limited.description() }
    }
}
