// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Usage

/// Creates the components of a graph, and reuses those of an earlier assembly whose configuration is the same.
struct Assembler {
    let graph: PipelineGraph
    let logger: Logger
    let home: String
    /// The memory budget that requests and queues share.
    var memory: (any MemoryPool)?
    let now: @Sendable () -> Timestamp
    /// Where components record telemetry that was not collected; nil for a log of the assembler's own.
    var intake: IntakeLog?
    var shared = SharedParts()
    /// The parts of the collector that extensions may use; the stores, price tables and scanners are added to it.
    var collector = CollectorParts()
    /// Returns a description of a session, for components that ask for one.
    var describeSession: @Sendable (_ id: String) async -> String? = { _ in nil }
    /// Returns a running store.
    var store: @Sendable (_ id: ComponentID) -> (any UsageStore)? = { _ in nil }
    /// Returns how the sessions of a store are called in answers.
    var namer: @Sendable (_ store: ComponentID) async throws -> SessionNamer? = { _ in nil }
    /// The assembly whose components may be reused.
    var previous: Assembly?

    /// Creates the missing components; starts none.
    ///
    /// - Throws: ``StartError`` when components do not fit together.
    func assemble() throws(StartError) -> Assembly {
        var assembly = Assembly()
        for declared in graph.used(.exporter) {
            let exporter = try reusedOrMade(declared, among: previous?.exporters, { $0 }) {
                settings throws(StartError) in
                try declared.factory.makeExporter(declared.config, settings)
            }
            assembly.exporters.append(exporter)
        }
        let heads = try pipelines(into: &assembly)
        for declared in graph.used(.receiver) {
            let heads = heads[declared.id] ?? [:]
            let receiver = try receiver(declared, Set(heads.keys))
            for (signal, inlet) in receiver.instance.inlets {
                guard let heads = heads[signal] else { continue }
                let consumers: [any Consumer] = heads.map { head in
                    let counters = receiver.instance.passages.counters(in: head.pipeline)
                    return CountingConsumer(consumer: head.consumer, counters: counters)
                }
                let consumer = consumers.count == 1 ? consumers[0] : FanOut(consumers: consumers)
                let feed = Assembly.Feed(
                    inlet: inlet,
                    consumer: consumer,
                    exporters: heads.flatMap(\.exporters),
                    reaches: heads.reduce(into: Set()) { $0.formUnion($1.reaches) }
                )
                assembly.feeds.append(feed)
            }
            assembly.receivers.append(receiver)
        }
        try addExtensions(to: &assembly)
        return assembly
    }

    // MARK: - Kinds

    private struct Head {
        let pipeline: String
        let consumer: any Consumer
        let exporters: [any Exporter]
        let reaches: Set<ObjectIdentifier>
    }

    /// Creates the pipelines and returns, for each receiver, the target of its batches of each signal.
    private func pipelines(into assembly: inout Assembly) throws(StartError) -> [ComponentID: [Signal: [Head]]] {
        var heads: [ComponentID: [Signal: [Head]]] = [:]
        for pipeline in graph.pipelines {
            let title = pipeline.title
            var processors: [Assembly.Member<any Processor>] = []
            for id in pipeline.processors {
                let declared = try declared(.processor, id)
                let known = previous?.processors.filter { $0.instance.pipeline == title }
                let processor = try reusedOrMade(declared, in: title, among: known, { $0 }) {
                    settings throws(StartError) in
                    try declared.factory.makeProcessor(declared.config, settings)
                }
                processors.append(processor)
            }
            let exporters = assembly.exporters.filter { pipeline.exporters.contains($0.instance.id) }
            let head = Head(
                pipeline: title,
                consumer: Pipeline(
                    processors: processors.map { instrumented($0, in: title) },
                    exporters: exporters.map { instrumented($0, in: title) }
                ),
                exporters: exporters.map(\.component),
                reaches: Set(processors.map(\.instance.identity) + exporters.map(\.instance.identity))
            )
            assembly.processors += processors
            for receiver in pipeline.receivers {
                heads[receiver, default: [:]][pipeline.signal, default: []].append(head)
            }
        }
        return heads
    }

    private func instrumented(_ member: Assembly.Member<any Processor>, in pipeline: String) -> any Processor {
        InstrumentedProcessor(
            processor: member.component,
            counters: member.instance.counters,
            passage: member.instance.passages.counters(in: pipeline),
            tap: member.instance.tap,
            now: now
        )
    }

    private func instrumented(_ member: Assembly.Member<any Exporter>, in pipeline: String) -> any Consumer {
        InstrumentedExporter(
            exporter: member.component,
            id: member.instance.id,
            sendsLater: member.component.queueing != nil,
            counters: member.instance.counters,
            passage: member.instance.passages.counters(in: pipeline),
            life: member.instance.life,
            tap: member.instance.tap,
            now: now
        )
    }

    private func receiver(
        _ declared: DeclaredComponent,
        _ signals: Set<Signal>
    ) throws(StartError) -> Assembly.Member<any Receiver> {
        // A receiver learns at its creation which signals have a pipeline, so it is reused only when these are the same.
        if let known = reused(declared, among: previous?.receivers), Set(known.instance.inlets.keys) == signals {
            return known
        }
        let (life, counters, tap) = (ComponentLife(), ComponentCounters(), TapPoint())
        let inlets = Dictionary(
            uniqueKeysWithValues: signals.map { ($0, PipelineSwitch(life: life, counters: counters, tap: tap)) }
        )
        let behind = SignalConsumers(
            inlets,
            stores: { await inlets[$0]?.stores ?? [] },
            session: describeSession,
            store: store,
            namer: namer
        )
        return try made(declared, life: life, counters: counters, tap: tap, inlets: inlets, { $0 }) {
            settings throws(StartError) in
            try declared.factory.makeReceiver(declared.config, settings, next: behind)
        }
    }

    /// An extension is created again when any part that it was given has changed.
    private func addExtensions(to assembly: inout Assembly) throws(StartError) {
        var parts = collector
        let given = parts.add(from: assembly)
        for id in graph.extensions {
            let declared = try declared(.extension, id)
            if let known = reused(declared, among: previous?.extensions), known.instance.parts == given {
                assembly.extensions.append(known)
                continue
            }
            let lease = RouteLease()
            var own = parts
            own.reload = { [reload = parts.reload] in
                // The reload is one of this component's requests: the drain must not wait for it.
                lease.gate.leave()
                defer { lease.gate.reenter() }
                return await reload()
            }
            let made = try made(declared, lease: lease, parts: given, { $0 }) { settings throws(StartError) in
                try declared.factory.makeExtension(declared.config, settings, with: own)
            }
            assembly.extensions.append(made)
        }
    }

    private func declared(_ kind: ComponentKind, _ id: ComponentID) throws(StartError) -> DeclaredComponent {
        guard let declared = graph.component(kind, id) else {
            throw StartError(.configuration, "no \(kind.singular) \"\(id)\" is declared")
        }
        return declared
    }

    // MARK: - Instances

    /// The component of the earlier assembly, when it has the same configuration.
    private func reused<Kind>(
        _ declared: DeclaredComponent,
        among former: [Assembly.Member<Kind>]?
    ) -> Assembly.Member<Kind>? {
        guard var known = former?.first(where: { $0.instance.id == declared.id }),
            known.instance.declared.content.hasSameContent(as: declared.content),
            known.instance.declared.factory.origin == declared.factory.origin,
            known.instance.life.station == .started
        else { return nil }
        // Its position in the file may have changed.
        known.instance.declared = declared
        return known
    }

    private func reusedOrMade<Kind>(
        _ declared: DeclaredComponent,
        in pipeline: String = "",
        among former: [Assembly.Member<Kind>]?,
        _ erased: (Kind) -> any Component,
        _ make: (ComponentSettings) throws(StartError) -> Kind
    ) throws(StartError) -> Assembly.Member<Kind> {
        if let known = reused(declared, among: former) { return known }
        return try made(declared, in: pipeline, erased, make)
    }

    private func made<Kind>(
        _ declared: DeclaredComponent,
        in pipeline: String = "",
        lease: RouteLease = RouteLease(),
        life: ComponentLife = ComponentLife(),
        counters: ComponentCounters = ComponentCounters(),
        tap: TapPoint = TapPoint(),
        inlets: [Signal: PipelineSwitch] = [:],
        parts: Set<ObjectIdentifier> = [],
        _ erased: (Kind) -> any Component,
        _ make: (ComponentSettings) throws(StartError) -> Kind
    ) throws(StartError) -> Assembly.Member<Kind> {
        var logger = logger
        logger[metadataKey: declared.kind.singular] = "\(declared.id)"
        var settings = ComponentSettings(
            id: declared.id,
            logger: logger,
            counters: counters,
            home: home,
            memory: memory,
            now: now,
            intake: intake,
            shared: shared
        )
        settings.store = store
        let component = try make(settings)
        return Assembly.Member(
            instance: Assembly.Instance(
                declared: declared,
                pipeline: pipeline,
                component: erased(component),
                counters: counters,
                passages: PipelineCounters(),
                life: life,
                lease: lease,
                tap: tap,
                inlets: inlets,
                parts: parts
            ),
            component: component
        )
    }
}

/// An exporter in a pipeline, instrumented by the host: it counts accepted and failed records and offers samples to its tap.
struct InstrumentedExporter: Consumer {
    let exporter: any Exporter
    let id: ComponentID
    /// Whether the exporter counts sent records itself, because it has a queue.
    let sendsLater: Bool
    let counters: ComponentCounters
    /// The counters of this pipeline.
    let passage: ComponentCounters
    let life: ComponentLife
    let tap: TapPoint
    let now: @Sendable () -> Timestamp

    @discardableResult func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        tap.offer(batch)
        let records = batch.otlp.recordCount
        let delivery: Delivery
        do throws(ConsumeError) {
            delivery = try await life.work(orRefuse: "\(id) is not running") { () throws(ConsumeError) -> Delivery in
                try await exporter.deliver(batch)
            }
        } catch {
            counters.note(error.message, at: now())
            // Only the host counts these, so that a record that was not taken counts once.
            counters.add(records, to: error.isRetryable ? .failed : .refused)
            if error.isRetryable { life.fail(error.message) }
            throw error
        }
        counters.add(records, to: .accepted)
        if !sendsLater { counters.add(records, to: .sent) }
        passage.add(records, to: .accepted)
        life.succeed()
        return delivery
    }
}

/// A processor in a pipeline, with what the host notes about it.
struct InstrumentedProcessor: WaitingProcessor {
    let processor: any Processor
    let counters: ComponentCounters
    /// The counters of this pipeline.
    let passage: ComponentCounters
    let tap: TapPoint
    let now: @Sendable () -> Timestamp

    var waitingProcessor: (any WaitingProcessor)? { processor.waitingProcessor == nil ? nil : self }

    func process(_ batch: inout Batch) throws(ConsumeError) {
        let records = batch.otlp.recordCount
        do throws(ConsumeError) {
            try processor.process(&batch)
        } catch {
            throw failed(records, error)
        }
        passed(records, batch)
    }

    func processed(_ batch: Batch) async throws(ConsumeError) -> Batch {
        let records = batch.otlp.recordCount
        let result: Batch
        do throws(ConsumeError) {
            result = try await processor.waitingProcessor?.processed(batch) ?? batch
        } catch {
            throw failed(records, error)
        }
        passed(records, result)
        return result
    }

    private func failed(_ records: Int, _ error: ConsumeError) -> ConsumeError {
        counters.note(error.message, at: now())
        counters.add(records, to: error.isRetryable ? .failed : .refused)
        return error
    }

    private func passed(_ records: Int, _ batch: Batch) {
        counters.add(records, to: .accepted)
        counters.add(max(0, records - batch.otlp.recordCount), to: .dropped)
        passage.add(records, to: .accepted)
        tap.offer(batch)
    }
}

/// A running pipeline: its processors in order, then all exporters at once.
struct Pipeline: Consumer {
    let processors: [any Processor]
    let exporters: [any Consumer]

    @discardableResult func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        var batch = batch
        for processor in processors {
            if let waiting = processor.waitingProcessor {
                batch = try await waiting.processed(batch)
            } else {
                try processor.process(&batch)
            }
        }
        try takeMemory(for: batch)
        // An exporter may keep the batch longer than its request lives; it accounts for that memory itself.
        batch.memory = nil
        guard batch.otlp.recordCount > 0 else { return .known }
        return try await FanOut(consumers: exporters).consume(batch)
    }

    /// The memory that a call uses here and in a store until it is written, in addition to its record.
    private static let callCost = 2_048

    /// Reserves memory for the calls that were found, before stores create rows for them.
    private func takeMemory(for batch: Batch) throws(ConsumeError) {
        guard let memory = batch.memory, !batch.observations.isEmpty,
            !memory.take(batch.observations.count * Self.callCost)
        else { return }
        throw memory.isBeyondLimit
            ? .tooLarge(
                "the calls of this request need more memory than service.memory_limit allows; send smaller batches"
            )
            : .retryable("too much is being taken in at the moment; send it again later")
    }
}

/// Passes each batch to several consumers at once and returns when all have taken it.
///
/// When one refuses it for good and another for a passing reason, the permanent error is thrown: sending it again would not help.
struct FanOut: Consumer {
    let consumers: [any Consumer]

    @discardableResult func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        if consumers.count == 1 { return try await consumers[0].consume(batch) }
        var (deliveries, errors) = ([Delivery](), [ConsumeError]())
        await withTaskGroup(of: Result<Delivery, ConsumeError>.self) { group in
            for consumer in consumers {
                group.addTask {
                    do throws(ConsumeError) {
                        return .success(try await consumer.consume(batch))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            for await result in group {
                switch result {
                case .success(let delivery): deliveries.append(delivery)
                case .failure(let error): errors.append(error)
                }
            }
        }
        if let error = errors.first(where: { !$0.isRetryable }) ?? errors.max(by: { $0.retryAfter < $1.retryAfter }) {
            throw error
        }
        return Delivery(deliveries)
    }
}
