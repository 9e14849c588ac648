// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import FoundationEssentials
import Logging
import OTLP
import Usage
import YAML

/// Checks that a component keeps the contracts of CollectorKit; tests of every built-in component run it, and so should all others.
///
/// ```swift
/// @Test func `my exporter keeps the contract`() async {
///     let suite = ComponentConformance(.mine, config: config, home: folder)
///     #expect(await suite.violations() == [])
/// }
/// ```
public struct ComponentConformance {
    private let factory: ComponentFactory
    private let home: String
    /// The configuration to use; nil when the defaults cannot be decoded.
    private let config: (any ConfigValues)?

    /// Prepares the checks.
    ///
    /// - Parameters:
    ///   - factory: The factory of the component.
    ///   - config: A configuration that works in a test: free ports, files below `home`; nil for the defaults.
    ///   - home: A folder of the test.
    public init(_ factory: ComponentFactory, config: (any ConfigValues)? = nil, home: String) {
        self.factory = factory
        self.home = home
        self.config = config ?? Self.decoded(.mapping(Node.Mapping(mark: Self.mark)), factory).config
    }

    private static let mark = Mark(file: "conformance", line: 1, column: 1)

    private static func decoded(_ node: Node, _ factory: ComponentFactory) -> (
        config: any ConfigValues, diagnostics: Diagnostics
    ) {
        var diagnostics = Diagnostics()
        let config = factory.configuration.decode(node, ConfigDecoder(), diagnostics: &diagnostics)
        return (config, diagnostics)
    }

    /// All violations; empty when the component keeps the contract.
    public func violations() async -> [String] {
        guard let config else { return ["there is no configuration"] }
        let factory = factory
        var violations = configurationViolations()
        switch factory.kind {
        case .receiver:
            violations += await lifecycleViolations { settings in
                try factory.makeReceiver(config, settings, next: SignalConsumers([:]))
            }
        case .processor:
            violations += await lifecycleViolations { settings in try factory.makeProcessor(config, settings) }
            violations += processorViolations(config)
        case .exporter:
            violations += await lifecycleViolations { settings in try factory.makeExporter(config, settings) }
            violations += await exporterViolations(config)
        case .connector:
            guard let sides = factory.sides else { return violations + ["a connector has two sides"] }
            violations += await lifecycleViolations { settings in try sides.exporter.makeExporter(config, settings) }
            violations += await lifecycleViolations { settings in
                try sides.receiver.makeReceiver(config, settings, next: SignalConsumers([:]))
            }
        case .extension:
            violations += await lifecycleViolations { settings in
                try factory.makeExtension(config, settings, with: CollectorParts())
            }
        }
        return violations
    }

    /// The violations of the configuration; empty when it keeps the contract.
    public func configurationViolations() -> [String] {
        var violations: [String] = []
        if ComponentID(factory.type) == nil { violations.append("the type \"\(factory.type)\" is no component type") }
        if factory.summary.isEmpty { violations.append("the factory has no summary") }
        if factory.signals.isEmpty, factory.kind != .extension { violations.append("the factory handles no signal") }
        let (config, diagnostics) = Self.decoded(.mapping(Node.Mapping(mark: Self.mark)), factory)
        if !diagnostics.isEmpty { violations.append("nothing written is not accepted: \(diagnostics.rendered())") }
        let keys = factory.configuration.descriptions
        let defaults = factory.configuration.defaults
        if defaults == nil { violations.append("the defaults cannot be encoded") }
        if let defaults, let node = factory.configuration.written(config), !node.hasSameContent(as: defaults) {
            violations.append("nothing written does not give the defaults")
        }
        let names = keys.map(\.path).filter { !$0.contains("[]") && !$0.contains("*") }.map {
            $0.joined(separator: ".")
        }
        let documentation = factory.configuration.documentation.filter { !$0.value.isEmpty }
        violations += Set(names).subtracting(documentation.keys).sorted().map { "the key \($0) is not documented" }
        let sections = keys.flatMap { key in
            (1...max(1, key.path.count)).map { key.path.prefix($0).joined(separator: ".") }
        }
        violations += Set(documentation.keys).subtracting(sections).sorted().map {
            "there is no key \($0) to document"
        }
        if let key = names.first?.split(separator: ".").first.map(String.init) { violations += unknownKey(like: key) }
        return violations
    }

    private func unknownKey(like key: String) -> [String] {
        let wrong = key + "x"
        let node = Node.mapping(
            Node.Mapping(
                [Node.Entry(key: Scalar(wrong, mark: Self.mark), value: .null(at: Self.mark))],
                mark: Self.mark
            )
        )
        guard let finding = Self.decoded(node, factory).diagnostics.items.first, finding.severity == .error else {
            return ["the unknown key \(wrong) is accepted"]
        }
        return finding.help?.contains(key) == true ? [] : ["the unknown key \(wrong) gets no suggestion"]
    }

    /// The violations between creation and shutdown.
    private func lifecycleViolations(_ make: (ComponentSettings) throws -> any Component) async -> [String] {
        var violations: [String] = []
        do {
            let before = OpenFiles.now(below: home)
            let unstarted = try make(settings())
            if OpenFiles.now(below: home) != before { violations.append("making it opens something") }
            await unstarted.shutdown()
            let component = try make(settings())
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

    private func settings(_ counters: ComponentCounters = ComponentCounters()) -> ComponentSettings {
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

    private func processorViolations(_ config: any ConfigValues) -> [String] {
        var violations: [String] = []
        let counters = ComponentCounters()
        do {
            let processor = try factory.makeProcessor(config, settings(counters))
            for signal in factory.signals {
                var batch = try SampleBatch.make(signal)
                try processor.process(&batch)
            }
            violations += countedTwice([.accepted, .refused, .failed, .dropped], counters)
        } catch {
            violations.append("it cannot process a batch: \(error)")
        }
        return violations
    }

    private func exporterViolations(_ config: any ConfigValues) async -> [String] {
        var violations: [String] = []
        let counters = ComponentCounters()
        do {
            let exporter = try factory.makeExporter(config, settings(counters))
            try await exporter.start()
            for signal in factory.signals { try await exporter.consume(try SampleBatch.make(signal)) }
            // An exporter with a queue sends later, and counts the result itself.
            violations += countedTwice(
                exporter.queueing == nil ? [.accepted, .refused, .sent, .failed] : [.accepted],
                counters
            )
            if let store = exporter.usageStore { violations += await storeViolations(store) }
            await exporter.shutdown()
        } catch {
            violations.append("it does not take a batch: \(error)")
        }
        return violations
    }

    /// Counters that the component increments although the host does.
    private func countedTwice(_ fields: [ComponentCounters.Field], _ counters: ComponentCounters) -> [String] {
        fields.filter { counters.value($0) != 0 }.map { "records are counted as \($0.rawValue), which the host does" }
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
/// Only those, because other tests of the same process open files, too.
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
