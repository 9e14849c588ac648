// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import Logging
import RawHTTP
import Testing
import Usage
import YAML

/// Components whose configuration is known only at run time, like those of a plugin in another process.
struct RuntimeFactoryTests {
    /// The configuration of such a component, as text.
    private struct Written: ConfigValues {
        var text: String
        var port: Int?

        var resources: [ConfigResource] {
            port.map { [ConfigResource(.endpoint(Endpoint(host: "127.0.0.1", port: $0)), at: ["port"])] } ?? []
        }

        func validate(_ findings: inout ConfigFindings) {
            if text.isEmpty { findings.error("empty-value", "a map has a file", at: ["map"], help: "name one") }
        }
    }

    /// A component type that is defined at run time.
    private static func learned(_ type: String, journal: Journal) -> ComponentFactory {
        let definition = ConfigDefinition(
            keys: [
                ConfigKey(path: ["map"], type: .string, documentation: "the file of teams"),
                ConfigKey(path: ["port"], type: .integer, documentation: "where to listen"),
            ],
            schema: #"{"type":"object","properties":{"map":{"type":"string"},"port":{"type":"integer"}}}"#
        ) { written, diagnostics in
            var values = Written(text: "")
            for entry in written.mapping?.entries ?? [] {
                switch entry.key.text {
                case "map": values.text = entry.value.scalar?.text ?? ""
                case "port": values.port = Int(entry.value.scalar?.text ?? "")
                default: diagnostics.append(.error("unknown-key", "no key \(entry.key.text)", at: entry.key.mark))
                }
            }
            return values
        }
        return .processor(type, definition, summary: "adds teams") { (values: Written, settings) in
            journal.write("\(settings.id) with \(values.text)")
            return Probe(name: settings.id.description, config: ProbeConfig(), journal: journal)
        }
    }

    private static func config(_ section: String) -> String {
        """
        receivers: { probe: }
        processors: { team: \(section) }
        exporters: { probe: }
        service: { pipelines: { logs: { receivers: [probe], processors: [team], exporters: [probe] } } }
        """
    }

    @Test func `a type learned at run time is made with what was written`() async throws {
        let journal = Journal()
        let registry = Registry(ComponentFactory.probes(journal) + [Self.learned("team", journal: journal)])
        let collector = try await RunningCollector(Self.config("{ map: teams.csv }"), registry)
        try await collector.end()
        #expect(journal.entries.first == "team with teams.csv")
    }

    @Test(arguments: [
        ("{ map: a.csv, mop: 1 }", "unknown-key", 2), ("{ map: \"\" }", "empty-value", 2),
    ])
    func `an error in its configuration has its position`(section: String, code: String, line: Int) {
        let journal = Journal()
        let registry = Registry(ComponentFactory.probes(journal) + [Self.learned("team", journal: journal)])
        let loaded = LoadedConfig(Self.config(section), registry: registry)
        #expect(loaded.codes == [code])
        #expect(loaded.diagnostics.items.first?.mark?.line == line)
    }

    @Test func `its resources take part in the rules of the graph`() {
        let journal = Journal()
        let registry = Registry(
            ComponentFactory.probes(journal) + [.web(routes: [:]), Self.learned("team", journal: journal)]
        )
        let text = Self.config("{ map: a.csv, port: 4444 }")
            .replacing(
                "service: {",
                with: "extensions: { web: { endpoint: \"localhost:4444\" } }\nservice: { extensions: [web],"
            )
        #expect(LoadedConfig(text, registry: registry).codes == ["port-conflict"])
    }

    @Test func `a factory asked for another kind refuses by name`() throws {
        let settings = ComponentSettings(
            id: try #require(ComponentID("stray")),
            logger: .init(label: "test"),
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 0) }
        )
        let factory = Self.learned("team", journal: Journal())
        let error = #expect(throws: StartError.self) { try factory.makeExporter(ProbeConfig(), settings) }
        #expect(error?.description == "stray: the type team is no exporter")
        let other = #expect(throws: StartError.self) { try factory.makeProcessor(ProbeConfig(), settings) }
        #expect(other?.description.contains("configuration of another component") == true)
    }
}

/// A component reports its abilities by its members, so that one that decides at run time works like any other.
struct AbilityTests {
    private final class Plain: Exporter {
        func consume(_ batch: Batch) async throws(ConsumeError) {}
    }

    private final class Sick: Exporter, HealthReporting {
        let trouble: String? = "it is sick"
        func consume(_ batch: Batch) async throws(ConsumeError) {}
    }

    private final class Decided: Extension {
        let site: (any HTTPServing)?
        var httpServing: (any HTTPServing)? { site }

        init(site: (any HTTPServing)?) { self.site = site }
    }

    private struct Site: Extension, HTTPServing {
        let endpoint = Endpoint(host: "127.0.0.1", port: 0)
        let routes: [Route] = []
    }

    @Test func `a component that conforms need not say so again`() {
        let sick: any Exporter = Sick()
        #expect(sick.healthReporting?.trouble == "it is sick")
        let plain: any Exporter = Plain()
        #expect(plain.healthReporting == nil && plain.queueing == nil && plain.httpServing == nil)
        #expect(plain.usageStore == nil)
    }

    @Test func `a configuration without a queue has no folder of one`() {
        #expect(ProbeConfig().sendingQueueFolder == nil)
    }

    @Test func `a component may decide while it runs`() {
        let none: any Extension = Decided(site: nil)
        #expect(none.httpServing == nil)
        let some: any Extension = Decided(site: Site())
        #expect(some.httpServing != nil)
    }
}
