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
        ("timezone: Mars", "timezone timezone"), ("budgets: [{dollars: 5}]", "missing-key budgets.0"),
        ("budgets: [{name: a}]", "missing-key budgets.0"),
        ("budgets: [{name: a, dollars: 5, tokens: 5}]", "missing-key budgets.0"),
        ("budgets: [{name: a, dollars: -5}]", "out-of-range budgets.0.dollars"),
        ("budgets: [{name: a, tokens: 0}]", "out-of-range budgets.0.tokens"),
        ("budgets: [{name: a, tokens: 5}, {name: a, tokens: 5}]", "duplicate-name budgets.1.name"),
        ("budget: {monthly: 5}\nbudgets: [{name: monthly, tokens: 5}]", "duplicate-name budgets.0.name"),
        ("budgets: [{name: a, tokens: 5, for: {people: [ann]}}]", "unknown-key budgets.0.for.people"),
        ("budgets: [{name: a, tokens: 5, thresholds: [50, 0]}]", "out-of-range budgets.0.thresholds.1"),
        ("alerts: {quiet: night}", "invalid-value alerts.quiet"),
        ("alerts: {silent_after: 0s}", "out-of-range alerts.silent_after"),
        ("alerts: {targets: [{command: [x]}]}", "missing-key alerts.targets.0"),
        ("alerts: {targets: [{name: a}]}", "missing-key alerts.targets.0"),
        ("alerts: {targets: [{name: a, command: [x], webhook: 'http://h/'}]}", "missing-key alerts.targets.0"),
        ("alerts: {targets: [{name: a, webhook: hooks.example.com}]}", "invalid-value alerts.targets.0.webhook"),
        (
            "alerts: {targets: [{name: a, command: [x]}, {name: a, command: [y]}]}",
            "duplicate-name alerts.targets.1.name"
        ),
    ])
    func `values that do not work are found`(line: String, finding: String) {
        let (config, problems) = decode(line)
        #expect(problems.isEmpty)
        #expect(findings(config) == [finding])
    }

    @Test func `budgets and alerts are read with all their keys`() {
        let (config, problems) = decode(
            """
            budgets:
              - {name: web, period: week, dollars: 50, for: {project: [shop, blog], user: [ann]}, thresholds: [90, 10]}
              - {name: tokens, period: day, tokens: 20000000}
            alerts:
              rules: [budget, silent_machine]
              quiet: "22:00-07:00"
              silent_after: 48h
              targets:
                - {name: team, webhook: "https://hooks.example.com/x", format: slack}
                - {name: desk, command: [alert, --now]}
            """
        )
        #expect(problems.isEmpty)
        #expect(findings(config).isEmpty)
        #expect(config.budgets.map(\.period) == [.week, .day])
        #expect(config.budgets[0].for == ["project": ["shop", "blog"], "user": ["ann"]])
        #expect(config.alerts.rules == [.budget, .silentMachine])
        #expect(config.alerts.targets[0].format == .slack && config.alerts.targets[1].command == ["alert", "--now"])
        #expect(config.alerts.targets[0].webhook?.value == "https://hooks.example.com/x")
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
