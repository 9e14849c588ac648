// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import FoundationEssentials
import Logging
import OTLP
import Usage
import YAML

/// Checks that a component keeps the contracts of this module; every built-in component runs it, and so should every other.
///
/// ```swift
/// @Test func `my exporter keeps the contract`() async {
///     let suite = ComponentConformance(MyFactory(), config: config, home: folder)
///     #expect(await suite.violations() == [])
/// }
/// ```
public struct ComponentConformance<Factory: ComponentFactory> {
    private let factory: Factory
    private let config: Factory.Config
    private let home: String

    /// Prepares the checks.
    ///
    /// - Parameters:
    ///   - factory: Makes the component.
    ///   - config: A configuration that can be used here: free ports, files below `home`.
    ///   - home: A folder of the test's own.
    public init(_ factory: Factory, config: Factory.Config = Factory.Config(), home: String) {
        self.factory = factory
        self.config = config
        self.home = home
    }

    /// What the configuration breaks; empty when it keeps the contract.
    public func configurationViolations() -> [String] {
        var violations: [String] = []
        if ComponentID(factory.type) == nil { violations.append("the type \"\(factory.type)\" is no component type") }
        if factory.summary.isEmpty { violations.append("the factory has no summary") }
        if factory.signals.isEmpty, !(factory is any ExtensionFactory) {
            violations.append("the factory handles no signal")
        }
        let mark = Mark(file: "conformance", line: 1, column: 1)
        guard let defaults = try? Node(encoding: Factory.Config()),
            let keys = try? KeyDescription.list(of: Factory.Config())
        else {
            return violations + ["the defaults cannot be encoded"]
        }
        var diagnostics = Diagnostics()
        let decoded = ConfigDecoder().decode(
            Factory.Config.self,
            from: .mapping(Node.Mapping(mark: mark)),
            over: Factory.Config(),
            diagnostics: &diagnostics
        )
        if !diagnostics.isEmpty { violations.append("nothing written is not accepted: \(diagnostics.rendered())") }
        if let node = try? Node(encoding: decoded), !node.hasSameContent(as: defaults) {
            violations.append("nothing written does not give the defaults")
        }
        let names = keys.map(\.path).filter { !$0.contains("[]") && !$0.contains("*") }.map {
            $0.joined(separator: ".")
        }
        violations += Set(names).subtracting(Factory.Config.documentation.keys).sorted().map {
            "the key \($0) is not documented"
        }
        let sections = keys.flatMap { key in
            (1...max(1, key.path.count)).map { key.path.prefix($0).joined(separator: ".") }
        }
        violations += Set(Factory.Config.documentation.keys).subtracting(sections).sorted().map {
            "there is no key \($0) to document"
        }
        if let key = names.first?.split(separator: ".").first.map(String.init) {
            violations += unknownKey(like: key, mark)
        }
        return violations
    }

    private func unknownKey(like key: String, _ mark: Mark) -> [String] {
        let wrong = key + "x"
        let node = Node.mapping(
            Node.Mapping([Node.Entry(key: Scalar(wrong, mark: mark), value: .null(at: mark))], mark: mark)
        )
        var diagnostics = Diagnostics()
        _ = ConfigDecoder().decode(Factory.Config.self, from: node, over: Factory.Config(), diagnostics: &diagnostics)
        guard let finding = diagnostics.items.first, finding.severity == .error else {
            return ["the unknown key \(wrong) is accepted"]
        }
        return finding.help?.contains(key) == true ? [] : ["the unknown key \(wrong) gets no suggestion"]
    }

    /// What the component breaks between being made and its shutdown.
    func lifecycleViolations(_ make: (Factory.Config, ComponentSettings) throws -> any Component) async -> [String] {
        var violations: [String] = []
        do {
            let before = OpenFiles.now(below: home)
            let unstarted = try make(config, settings())
            if OpenFiles.now(below: home) != before { violations.append("making it opens something") }
            await unstarted.shutdown()
            let component = try make(config, settings())
            try await component.start()
            await component.shutdown()
            await component.shutdown()
            let leaked = OpenFiles.now(below: home).subtracting(before)
            if !leaked.isEmpty {
                violations.append("left open after the shutdown: \(leaked.sorted().joined(separator: ", "))")
            }
        } catch {
            violations.append("it cannot be started: \(error)")
        }
        return violations
    }

    func settings(_ counters: ComponentCounters = ComponentCounters()) -> ComponentSettings {
        let logger = Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() }
        let id = ComponentID(factory.type) ?? ComponentID.unnamed
        return ComponentSettings(
            id: id,
            logger: logger,
            counters: counters,
            home: home,
            now: { Timestamp(nanoseconds: 1_790_000_000_000_000_000) }
        )
    }
}

extension ComponentConformance where Factory: ReceiverFactory {
    /// Everything the receiver breaks; empty when it keeps the contract.
    public func violations() async -> [String] {
        let factory = factory
        return configurationViolations()
            + (await lifecycleViolations { config, settings in
                factory.makeReceiver(config, settings, next: SignalConsumers([:]))
            })
    }
}

extension ComponentConformance where Factory: ExtensionFactory {
    /// Everything the extension breaks; empty when it keeps the contract.
    public func violations() async -> [String] {
        let factory = factory
        return configurationViolations()
            + (await lifecycleViolations { config, settings in
                factory.makeExtension(config, settings, with: CollectorParts())
            })
    }
}

extension ComponentConformance where Factory: ProcessorFactory {
    /// Everything the processor breaks; empty when it keeps the contract.
    public func violations() async -> [String] {
        let factory = factory
        var violations = configurationViolations()
        violations += await lifecycleViolations { config, settings in try factory.makeProcessor(config, settings) }
        let counters = ComponentCounters()
        do {
            let processor = try factory.makeProcessor(config, settings(counters))
            for signal in factory.signals {
                var batch = try SampleBatch.make(signal)
                let (before, dropped) = (batch.otlp.recordCount, counters.value(.dropped))
                try processor.process(&batch)
                if batch.otlp.recordCount + counters.value(.dropped) - dropped != before {
                    violations.append("records of \(signal.rawValue) disappear without being counted as dropped")
                }
            }
        } catch {
            violations.append("it cannot process a batch: \(error)")
        }
        return violations
    }
}

extension ComponentConformance where Factory: ExporterFactory {
    /// Everything the exporter breaks; empty when it keeps the contract.
    public func violations() async -> [String] {
        let factory = factory
        var violations = configurationViolations()
        violations += await lifecycleViolations { config, settings in factory.makeExporter(config, settings) }
        let counters = ComponentCounters()
        let exporter = factory.makeExporter(config, settings(counters))
        do {
            let batch = try SampleBatch.make(.logs)
            violations += await refusal(by: exporter, of: batch, when: "before the start")
            try await exporter.start()
            for signal in factory.signals { try await exporter.consume(try SampleBatch.make(signal)) }
            // What has a queue sends later.
            let isQueueing = exporter is any Queueing
            if counters.value(isQueueing ? .accepted : .sent) != factory.signals.count {
                violations.append("records that were kept are not counted as \(isQueueing ? "accepted" : "sent")")
            }
            if let store = exporter as? any UsageStore { violations += await storeViolations(store) }
            await exporter.shutdown()
            violations += await refusal(by: exporter, of: batch, when: "after the shutdown")
        } catch {
            violations.append("it does not take a batch: \(error)")
        }
        if factory.isStore != (exporter is any UsageStore) {
            violations.append("isStore does not say whether it answers queries")
        }
        return violations
    }

    private func refusal(by exporter: any Exporter, of batch: Batch, when: String) async -> [String] {
        do throws(ConsumeError) {
            try await exporter.consume(batch)
            return ["a batch is taken \(when)"]
        } catch {
            return error.isRetryable ? [] : ["a batch is refused for good \(when)"]
        }
    }

    private func storeViolations(_ store: any UsageStore) async -> [String] {
        do {
            let now = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
            let period = try Period("30d", timezone: "UTC", now: now)
            var violations: [String] = []
            if try await store.summary(of: period, now: now).byDay.count != 30 {
                violations.append("a summary leaves days out")
            }
            if try await store.session(id: "there is no such session") != nil {
                violations.append("an unknown session is known")
            }
            if try await store.sessions(SessionQuery(now: now)).next != nil {
                violations.append("an empty page has a next one")
            }
            return violations
        } catch {
            return ["it does not answer: \(error)"]
        }
    }
}

/// One record of each signal.
enum SampleBatch {
    static func make(_ signal: Signal) throws -> Batch {
        let json =
            switch signal {
            case .logs:
                #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1790000000000000000","body":{"stringValue":"hi"}}]}]}]}"#
            case .traces:
                #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","#
                    + #""name":"s","startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000000000001"}]}]}]}"#
            case .metrics:
                #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"1","#
                    + #""timeUnixNano":"1790000000000000000"}]}}]}]}]}"#
            }
        return Batch(
            try OTLPBatch(signal: signal, json: Array(json.utf8)),
            receivedAt: Timestamp(nanoseconds: 1_790_000_000_000_000_000)
        )
    }
}

/// The files below a folder that this process has open.
///
/// Only those: other tests of the same process open files of their own meanwhile.
enum OpenFiles {
    static func now(below folder: String) -> Set<String> {
        let descriptors = "/proc/self/fd"
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? []
        return Set(
            numbers.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\($0)") }
                .filter { $0.hasPrefix(folder) }
        )
    }
}
