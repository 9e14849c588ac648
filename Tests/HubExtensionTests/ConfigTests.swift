// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HubExtension
import Testing
import YAML

@Suite struct ConfigTests {
    @Test func `nothing means the defaults`() {
        let (config, problems) = decode("")
        #expect(problems.isEmpty)
        #expect(config.endpoint == .otlpHTTP)
        #expect(config.store == "sqlite")
        #expect(config.budget.monthly == nil)
        #expect("\(config.retention)" == "90d")
        #expect(config.timezone == "local")
        #expect(findings(config).isEmpty)
    }

    @Test func `every key is read, and what the hub uses is known`() {
        let (config, problems) = decode(
            "endpoint: 127.0.0.1:9999\nstore: jsonl/main\nbudget:\n  monthly: 200.5\nretention: 30d\ntimezone: Europe/Berlin\n"
        )
        #expect(problems.isEmpty)
        #expect(findings(config).isEmpty)
        #expect(config.budget.monthly == 200.5)
        #expect("\(config.retention)" == "30d")
        let endpoint = ConfigResource(.endpoint(Endpoint(host: "127.0.0.1", port: 9_999)), at: ["endpoint"])
        #expect(config.resources == [endpoint, ConfigResource(.store("jsonl/main"), at: ["store"])])
    }

    @Test(arguments: [
        ("store: \"\"", "store store"), ("store: my store", "store store"), ("retention: 0s", "out-of-range retention"),
        ("budget: {monthly: 0}", "out-of-range budget.monthly"),
        ("budget: {monthly: -5}", "out-of-range budget.monthly"),
        ("budget: {monthly: 1e12}", "out-of-range budget.monthly"),
        ("budget: {monthly: 1e-12}", "out-of-range budget.monthly"),
        ("timezone: Mars", "timezone timezone"),
    ])
    func `values that do not work are found`(line: String, finding: String) {
        let (config, problems) = decode(line)
        #expect(problems.isEmpty)
        #expect(findings(config) == [finding])
    }

    private func findings(_ config: HubConfig) -> [String] {
        var findings = ConfigFindings()
        config.validate(&findings)
        return findings.items.map { "\($0.code) \($0.path.joined(separator: "."))" }
    }

    private func decode(_ text: String) -> (config: HubConfig, problems: [String]) {
        var diagnostics = Diagnostics()
        let node = Node(parsing: SourceFile(name: "config.yaml", text: text), diagnostics: &diagnostics)
        let config = node.map {
            ConfigDecoder().decode(HubConfig.self, from: $0, over: HubConfig(), diagnostics: &diagnostics)
        }
        return (config ?? HubConfig(), diagnostics.items.map(\.message))
    }
}
