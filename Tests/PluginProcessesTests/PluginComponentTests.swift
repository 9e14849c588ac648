// SPDX-License-Identifier: Apache-2.0

import ChildProcess
import Collector
import CollectorKit
import CollectorTesting
import Foundation
import Glibc
import Logging
import OTLP
import PluginProcesses
import Synchronization
import Testing
import Usage
import YAML

/// The examples and small hostile plugins as components, made of a configuration as the program does it.
struct PluginComponentTests {
    private let folder: TemporaryFolder
    private static let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Plugins/Examples").path

    init() throws { folder = try TemporaryFolder() }

    private func settings(_ type: String) throws -> ComponentSettings {
        ComponentSettings(
            id: try #require(ComponentID(type)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            home: folder.path,
            now: { Timestamp(nanoseconds: 1_790_000_000_000_000_000) }
        )
    }

    /// Reads a configuration; the graph has a declared component even where nothing uses it.
    private func graph(_ yaml: String, asks: Bool = true) throws -> (graph: PipelineGraph, diagnostics: Diagnostics) {
        var diagnostics = Diagnostics()
        let parsed = Node(parsing: SourceFile(name: "c.yaml", text: yaml), diagnostics: &diagnostics)
        let node = try #require(parsed)
        let access = PluginCatalog.Access(descriptions: "\(folder.path)/d", host: "test/1", userHome: nil)
        let graph = GraphBuilder.build(
            node,
            registry: Registry(),
            home: nil,
            plugins: asks ? access : .forbidden,
            diagnostics: &diagnostics
        )
        return (graph, diagnostics)
    }

    private func component(_ kind: ComponentKind, _ type: String, _ command: String, _ config: String) throws
        -> DeclaredComponent
    {
        let yaml = "plugins: { p: { command: [\(command)] } }\n\(kind.rawValue): { \(type): \(config) }\n"
        let (graph, diagnostics) = try graph(yaml)
        let id = try #require(ComponentID(type))
        return try #require(graph.component(kind, id), "\(diagnostics.rendered())")
    }

    private func team(_ more: String = "") throws -> any Processor {
        let map = try folder.write("user,team\nada,engines\n", to: "teams.csv")
        let declared = try component(
            .processor,
            "team",
            "/usr/bin/python3, \(Self.examples)/Python/team.py",
            "{ map: \(map), user: [user]\(more) }"
        )
        return try declared.factory.makeProcessor(declared.config, settings("team"))
    }

    static func batch(_ users: [String?], _ signal: Signal = .logs) throws -> Batch {
        let records = users.enumerated().map { number, user in
            let attribute =
                user.map { #"{"key":"user","value":{"stringValue":"\#($0)"}},"# } ?? ""
            let attributes = #""attributes":[\#(attribute){"key":"n","value":{"intValue":"\#(number)"}}]"#
            return switch signal {
            case .logs: "{\(attributes)}"
            case .traces:
                #"{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"s",\#(attributes)}"#
            case .metrics: #"{"name":"m\#(number)","sum":{"dataPoints":[{"asInt":"1",\#(attributes)}]}}"#
            }
        }.joined(separator: ",")
        let json =
            switch signal {
            case .logs: #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(records)]}]}]}"#
            case .traces: #"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(records)]}]}]}"#
            case .metrics: #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[\#(records)]}]}]}"#
            }
        return Batch(try OTLPBatch(signal: signal, json: Array(json.utf8)), receivedAt: Timestamp(nanoseconds: 1))
    }

    private static func texts(_ key: String, _ batch: Batch) throws -> [String?] {
        let otlp = try OTLPBatch(signal: batch.signal, protobuf: batch.otlp.encoded())
        return otlp.records.indices.map { record in
            otlp.attribute(key, of: .record(record)).map { otlp.text(of: $0) }
        }
    }

    // MARK: - Configuration

    @Test func `a configuration is checked against the schema of the plugin, at the line`() throws {
        let plugins = "plugins: { p: { command: [/usr/bin/python3, \(Self.examples)/Python/team.py] } }\n"
        let (graph, diagnostics) = try graph(plugins + "processors:\n  team: { mpa: x, on_error: maybe }\n")
        let codes = diagnostics.items.filter { $0.mark?.line == 3 }.map(\.code)
        #expect(Set(codes).isSuperset(of: ["unknown-key", "missing-key"]) && codes.count == 3)
        #expect(diagnostics.rendered().contains("did you mean \"map\"?"))
        let factory = try #require(graph.registry.factory(.processor, "team"))
        #expect(factory.configuration.keys.map(\.name) == ["attribute", "map", "user", "timeout", "on_error"])
        #expect(factory.origin != .program && graph.plugins.map(\.title) == ["team 0.1"])
    }

    @Test func `a plugin that may not be run is an error at its line, and its components are no second one`() throws {
        let script = try folder.write("#!/bin/sh\n", to: "p.sh")
        let rest = "\nprocessors: { anything: { a: 1 } }\n"
        for command in ["[\(script), \"\"]", "[p.sh]", "[/no/such/program]", "[]"] {
            let (_, diagnostics) = try graph("plugins:\n  p: { command: \(command) }" + rest)
            #expect(diagnostics.items.filter { $0.code == "plugin" }.map(\.mark?.line) == [2], "\(command)")
            #expect(!diagnostics.items.contains { $0.code == "unknown-component" }, "\(command)")
        }
        let (_, wrong) = try graph("plugins:\n  p: { command: [\(script)], sha256: abc }" + rest)
        #expect(wrong.rendered().contains("has the SHA-256"))
        let (_, looked) = try graph("plugins:\n  p: { command: [/no/such/program] }" + rest, asks: false)
        #expect(looked.items.filter { $0.code != "missing-section" }.map(\.code) == ["unchecked-component"])
    }

    @Test func `a type that is taken is refused`() throws {
        let command = "[/usr/bin/python3, \(Self.examples)/Python/team.py]"
        let (_, diagnostics) = try graph("plugins:\n  a: { command: \(command) }\n  b: { command: \(command) }\n")
        #expect(
            diagnostics.rendered().contains("the plugin \"b\" offers the processor team, which the plugin \"a\" has")
        )
    }

    // MARK: - Processors

    @Test(arguments: Signal.allCases)
    func `the example in Python adds the team of each user`(signal: Signal) async throws {
        let processor = try team()
        try await processor.start()
        let waiting = try #require(processor.waitingProcessor)
        let batch = try await waiting.processed(
            Self.batch(["ada", nil, "bob", "ada"], signal)
        )
        #expect(try Self.texts("team", batch) == ["engines", nil, nil, "engines"])
        await processor.shutdown()
    }

    @Test func `a plugin that refuses its configuration is no start`() async throws {
        let declared = try component(
            .processor,
            "team",
            "/usr/bin/python3, \(Self.examples)/Python/team.py",
            "{ map: /no/such/file }"
        )
        let processor = try declared.factory.makeProcessor(declared.config, settings("team"))
        let error = await #expect(throws: StartError.self) { try await processor.start() }
        #expect(error?.description.contains("map: cannot be read") == true)
        await processor.shutdown()
    }

    private func compiled() async throws -> String {
        let program = folder.path + "/stamp"
        let compiler = try ChildProcess(["cc", "-O2", "-o", program, "\(Self.examples)/C/stamp.c"])
        #expect(await compiler.status().code == 0)
        return program
    }

    @Test(arguments: Signal.allCases)
    func `the example in C changes and drops records`(signal: Signal) async throws {
        let declared = try component(.processor, "stamp", try await compiled(), "{ key: k, value: \"v\\\"ä\" }")
        let processor = try declared.factory.makeProcessor(declared.config, settings("stamp"))
        try await processor.start()
        var batch = try Self.batch(["ada", "bob", "cem"], signal)
        batch.otlp.set("hub.drop", to: "yes", record: 1)
        let waiting = try #require(processor.waitingProcessor)
        let result = try await waiting.processed(batch)
        #expect(try Self.texts("k", result) == ["v\"ä", "v\"ä"])
        #expect(try Self.texts("user", result) == ["ada", "cem"])
        await processor.shutdown()
    }

    @Test(arguments: ["refuse", "pass", "drop"])
    func `a batch without an answer is refused, passed on or dropped as configured`(onError: String) async throws {
        let script = try folder.write(Self.silent, to: "silent.py")
        let declared = try component(
            .processor,
            "x",
            "/usr/bin/python3, \(script)",
            "{ on_error: \(onError), timeout: 1s }"
        )
        let settings = try settings("x")
        let processor = try declared.factory.makeProcessor(declared.config, settings)
        try await processor.start()
        let waiting = try #require(processor.waitingProcessor)
        switch onError {
        case "pass": #expect(try await waiting.processed(Self.batch([nil, nil])).otlp.recordCount == 2)
        case "drop": #expect(try await waiting.processed(Self.batch([nil, nil])).otlp.recordCount == 0)
        default:
            let error = await #expect(throws: ConsumeError.self) { try await waiting.processed(Self.batch([nil])) }
            #expect(error?.isRetryable == true)
        }
        // Its health may be good again by now: the plugin is restarted after a second.
        #expect(await eventually { settings.counters.lastTrouble != nil })
        await processor.shutdown()
    }

    /// A plugin that opens and never answers a batch.
    private static let silent = """
        import sys, time
        sys.path.insert(0, "\(examples)/Python")
        import hammurabi_plugin as hub
        class X(hub.Processor):
            type = "x"
            def process(self, batch): time.sleep(60)
        hub.run(X)
        """

    // MARK: - Exporters and receivers

    @Test func `every acknowledged record arrives although the exporter is killed at random`() async throws {
        let rounds = ProcessInfo.processInfo.environment["HAMMURABI_PLUGIN_ROUNDS"].flatMap { Int($0) } ?? 30
        let file = folder.path + "/ledger.csv"
        let declared = try component(
            .exporter,
            "ledger_csv",
            "/usr/bin/python3, \(Self.examples)/Python/ledger.py",
            "{ path: \(file), attributes: [user], sending_queue: { batch: { flush_timeout: 1ms, min_size: 1 } }, retry_on_failure: { initial_interval: 10ms, max_interval: 50ms } }"
        )
        let exporter = try declared.factory.makeExporter(declared.config, settings("ledger_csv"))
        try await exporter.start()
        var random = SeededGenerator(seed: 7)
        var kills = 0
        for round in 0..<rounds {
            try await exporter.consume(Self.batch(["id\(round)a", "id\(round)b"]))
            // The fifth end within a minute would put off the next start for a minute.
            if random.next() % 4 == 0, kills < 4, Self.killChildren(running: "ledger.py") { kills += 1 }
            if random.next() % 3 == 0 { try await Task.sleep(for: .milliseconds(Int64(random.next() % 40))) }
        }
        #expect(await eventually { exporter.queueing?.queueStatus.batches == 0 })
        let found = Set(
            try folder.read("ledger.csv").split(whereSeparator: \.isNewline).compactMap {
                $0.split(separator: ",").last
            }
        )
        #expect(found.count == rounds * 2 && kills > 0)
        await exporter.shutdown()
    }

    /// Kills the children of this process that run a script in Python; whether there was one.
    private static func killChildren(running word: String) -> Bool {
        var isKilled = false
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let number = pid_t(name),
                let status = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                let line = try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8),
                line.hasPrefix("/usr/bin/python3"),
                line.contains(word),
                status.split(separator: ")").last?.split(separator: " ").dropFirst().first == "\(getpid())"
            else { continue }
            isKilled = kill(number, SIGKILL) == 0
        }
        return isKilled
    }

    @Test func `a receiver commits what the pipelines have taken, and tries again what they have not`() async throws {
        let script = try folder.write(
            """
            import sys, time
            sys.path.insert(0, "\(Self.examples)/Python")
            import hammurabi_plugin as hub
            class Mail(hub.Receiver):
                type = "mail"
                def run(self, emit):
                    for number in range(5):
                        while True:
                            try:
                                # A log record whose body is a number.
                                emit("logs", bytes([10, 10, 18, 8, 18, 6, 42, 4, 10, 2, 0x6E, 0x30 + number]))
                                break
                            except hub.Retry: time.sleep(0.01)
                    try: emit("metrics", b"")
                    except hub.Refused as error: print("refused:", error, flush=True)
            hub.run(Mail)
            """,
            to: "mail.py"
        )
        let declared = try component(.receiver, "mail", "/usr/bin/python3, \(script)", "{}")
        let sink = Sink()
        let receiver = try declared.factory.makeReceiver(
            declared.config,
            settings("mail"),
            next: SignalConsumers([.logs: sink])
        )
        try await receiver.start()
        #expect(await eventually { sink.bodies.count == 5 })
        #expect(sink.bodies == ["n0", "n1", "n2", "n3", "n4"])
        #expect(sink.refusals > 0)
        await receiver.shutdown()
    }

    /// Takes every second batch.
    private final class Sink: Consumer {
        private let state = Mutex<(bodies: [String], calls: Int)>(([], 0))
        var bodies: [String] { state.withLock { $0.bodies } }
        var refusals: Int { state.withLock { $0.calls - $0.bodies.count } }

        func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
            let isTaken = state.withLock { state in
                state.calls += 1
                guard state.calls % 2 == 0 else { return false }
                state.bodies +=
                    batch.otlp.encoded().suffix(2).isEmpty
                    ? [] : [String(decoding: batch.otlp.encoded().suffix(2), as: UTF8.self)]
                return true
            }
            guard isTaken else { throw .retryable("not now") }
            return .unkept
        }
    }
}
