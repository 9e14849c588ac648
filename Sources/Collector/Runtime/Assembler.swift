// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Usage

/// Makes the components of a graph; those of an earlier assembly that are the same go on.
struct Assembler {
    let graph: PipelineGraph
    let logger: Logger
    let home: String
    /// What requests and queues share.
    var memory: (any MemoryPool)?
    let now: @Sendable () -> Timestamp
    /// Where components note telemetry that was not collected; nil for one of their own.
    var intake: IntakeLog?
    var shared = SharedParts()
    /// What of the collector itself extensions may use; the stores and the like are added.
    var collector = CollectorParts()
    /// What is known of a session.
    var describeSession: @Sendable (_ id: String) async -> String? = { _ in nil }
    /// Whose components may be taken over.
    var previous: Assembly?

    /// Makes what is not there yet; starts nothing.
    ///
    /// - Throws: ``StartError`` when components do not fit together.
    func assemble() throws(StartError) -> Assembly {
        var assembly = Assembly()
        for declared in graph.used(.exporter) {
            guard case .exporter(let factory) = declared.component else { continue }
            let exporter = try reusedOrMade(declared) { settings throws(StartError) in
                try makeExporter(factory, declared, settings)
            }
            assembly.exporters.append(exporter)
        }
        let heads = try pipelines(into: &assembly)
        for declared in graph.used(.receiver) {
            guard case .receiver(let factory) = declared.component else { continue }
            let heads = heads[declared.id] ?? [:]
            let receiver = try receiver(factory, declared, Set(heads.keys))
            for (signal, inlet) in receiver.inlets {
                guard let heads = heads[signal] else { continue }
                let consumers: [any Consumer] = heads.map { head in
                    CountingConsumer(consumer: head.consumer, counters: receiver.passages.counters(in: head.pipeline))
                }
                let consumer = consumers.count == 1 ? consumers[0] : FanOut(consumers: consumers)
                let reaches = heads.reduce(into: Set()) { $0.formUnion($1.reaches) }
                assembly.feeds.append(Assembly.Feed(inlet: inlet, consumer: consumer, reaches: reaches))
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
        let reaches: Set<ObjectIdentifier>
    }

    /// Makes the pipelines and returns, for each receiver, where its batches of each signal go.
    private func pipelines(into assembly: inout Assembly) throws(StartError) -> [ComponentID: [Signal: [Head]]] {
        var heads: [ComponentID: [Signal: [Head]]] = [:]
        for pipeline in graph.pipelines {
            var processors: [Assembly.Instance] = []
            for id in pipeline.processors {
                guard let declared = graph.component(.processor, id),
                    case .processor(let factory) = declared.component
                else { continue }
                let processor = try reusedOrMade(declared, in: pipeline.title) { settings throws(StartError) in
                    try makeProcessor(factory, declared, settings)
                }
                processors.append(processor)
            }
            let exporters = assembly.exporters.filter { pipeline.exporters.contains($0.id) }
            let title = pipeline.title
            let head = Head(
                pipeline: title,
                consumer: Pipeline(
                    processors: processors.compactMap { observed($0, in: title) },
                    exporters: exporters.compactMap { observed($0, in: title) }
                ),
                reaches: Set((processors + exporters).map(\.identity))
            )
            assembly.processors += processors
            for receiver in pipeline.receivers {
                heads[receiver, default: [:]][pipeline.signal, default: []].append(head)
            }
        }
        return heads
    }

    private func observed(_ instance: Assembly.Instance, in pipeline: String) -> (any Processor)? {
        (instance.component as? any Processor).map {
            InstrumentedProcessor(
                processor: $0,
                counters: instance.counters,
                passage: instance.passages.counters(in: pipeline),
                tap: instance.tap,
                now: now
            )
        }
    }

    private func observed(_ instance: Assembly.Instance, in pipeline: String) -> (any Consumer)? {
        (instance.component as? any Exporter).map {
            InstrumentedExporter(
                exporter: $0,
                countsItself: $0 is any Queueing,
                counters: instance.counters,
                passage: instance.passages.counters(in: pipeline),
                life: instance.life,
                tap: instance.tap,
                now: now
            )
        }
    }

    private func receiver(
        _ factory: any ReceiverFactory,
        _ declared: DeclaredComponent,
        _ signals: Set<Signal>
    ) throws(StartError) -> Assembly.Instance {
        // Which signals have a pipeline is settled when a receiver is made.
        if let known = reused(declared), Set(known.inlets.keys) == signals { return known }
        let tap = TapPoint()
        let inlets = Dictionary(uniqueKeysWithValues: signals.map { ($0, PipelineSwitch(tap: tap)) })
        return try made(declared, tap: tap, inlets: inlets) { settings throws(StartError) in
            try makeReceiver(factory, declared, settings, SignalConsumers(inlets))
        }
    }

    /// Extensions are made anew when anything that they were given is new.
    private func addExtensions(to assembly: inout Assembly) throws(StartError) {
        var parts = collector
        let given = parts.add(from: assembly)
        for id in graph.extensions {
            guard let declared = graph.component(.extension, id),
                case .extension(let factory) = declared.component
            else { continue }
            if let known = reused(declared), known.parts == given {
                assembly.extensions.append(known)
                continue
            }
            let tenancy = RouteLease()
            var own = parts
            own.reload = { [reload = parts.reload] in
                // The request that asks for it must not be waited for.
                tenancy.gate.leave()
                defer { tenancy.gate.reenter() }
                return await reload()
            }
            assembly.extensions.append(
                try made(declared, tenancy: tenancy, parts: given) { settings throws(StartError) in
                    try makeExtension(factory, declared, settings, own)
                }
            )
        }
    }

    // MARK: - Instances

    /// The component of the assembly before, when it has the same configuration.
    private func reused(_ declared: DeclaredComponent, in pipeline: String = "") -> Assembly.Instance? {
        let known = previous?.startOrder.first {
            $0.kind == declared.kind && $0.id == declared.id && $0.pipeline == pipeline
        }
        guard var known, known.declared.content.hasSameContent(as: declared.content), known.life.station == .started
        else { return nil }
        // Its place in the file may be another.
        known.declared = declared
        return known
    }

    private func reusedOrMade(
        _ declared: DeclaredComponent,
        in pipeline: String = "",
        _ make: (ComponentSettings) throws(StartError) -> any Component
    ) throws(StartError) -> Assembly.Instance {
        if let known = reused(declared, in: pipeline) { return known }
        return try made(declared, in: pipeline, make)
    }

    private func made(
        _ declared: DeclaredComponent,
        in pipeline: String = "",
        tenancy: RouteLease = RouteLease(),
        tap: TapPoint = TapPoint(),
        inlets: [Signal: PipelineSwitch] = [:],
        parts: Set<ObjectIdentifier> = [],
        _ make: (ComponentSettings) throws(StartError) -> any Component
    ) throws(StartError) -> Assembly.Instance {
        var logger = logger
        logger[metadataKey: declared.kind.singular] = "\(declared.id)"
        let settings = ComponentSettings(
            id: declared.id,
            logger: logger,
            home: home,
            memory: memory,
            now: now,
            intake: intake,
            shared: shared,
            describeSession: describeSession
        )
        return Assembly.Instance(
            declared: declared,
            pipeline: pipeline,
            component: try make(settings),
            counters: settings.counters,
            passages: PipelineCounters(),
            life: ComponentLife(),
            tenancy: tenancy,
            tap: tap,
            inlets: inlets,
            parts: parts
        )
    }

    // MARK: - Factories

    private func makeProcessor<Factory: ProcessorFactory>(
        _ factory: Factory,
        _ declared: DeclaredComponent,
        _ settings: ComponentSettings
    ) throws(StartError) -> any Processor {
        try factory.makeProcessor(config(of: declared, for: factory), settings)
    }

    private func makeExporter<Factory: ExporterFactory>(
        _ factory: Factory,
        _ declared: DeclaredComponent,
        _ settings: ComponentSettings
    ) throws(StartError) -> any Exporter {
        factory.makeExporter(try config(of: declared, for: factory), settings)
    }

    private func makeReceiver<Factory: ReceiverFactory>(
        _ factory: Factory,
        _ declared: DeclaredComponent,
        _ settings: ComponentSettings,
        _ next: SignalConsumers
    ) throws(StartError) -> any Receiver {
        factory.makeReceiver(try config(of: declared, for: factory), settings, next: next)
    }

    private func makeExtension<Factory: ExtensionFactory>(
        _ factory: Factory,
        _ declared: DeclaredComponent,
        _ settings: ComponentSettings,
        _ parts: CollectorParts
    ) throws(StartError) -> any Extension {
        factory.makeExtension(try config(of: declared, for: factory), settings, with: parts)
    }

    private func config<Factory: ComponentFactory>(
        of declared: DeclaredComponent,
        for factory: Factory
    ) throws(StartError) -> Factory.Config {
        guard let config = declared.config as? Factory.Config else {
            throw StartError(.configuration, "\(declared.id) was declared with the configuration of another component")
        }
        return config
    }
}

/// An exporter in a pipeline, with what the host notes about it: what it took, what it could not take, and samples for whoever looks.
struct InstrumentedExporter: Consumer {
    let exporter: any Exporter
    /// Whether it counts by itself what it took, as what has a queue does.
    let countsItself: Bool
    let counters: ComponentCounters
    /// What it took in this pipeline.
    let passage: ComponentCounters
    let life: ComponentLife
    let tap: TapPoint
    let now: @Sendable () -> Timestamp

    var stores: Set<UInt64> { get async { await exporter.stores } }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        tap.offer(batch)
        do throws(ConsumeError) {
            try await exporter.consume(batch)
        } catch {
            counters.note(error.message, at: now())
            // Counted here and by no exporter, so that a record that was not taken counts once.
            counters.add(batch.otlp.recordCount, to: error.isRetryable ? .failed : .refused)
            if error.isRetryable { life.fail(error.message) }
            throw error
        }
        if !countsItself { counters.add(batch.otlp.recordCount, to: .accepted) }
        passage.add(batch.otlp.recordCount, to: .accepted)
        life.succeed()
    }
}

/// A processor in a pipeline, with what the host notes about it.
struct InstrumentedProcessor: Processor {
    let processor: any Processor
    let counters: ComponentCounters
    /// What it took in this pipeline.
    let passage: ComponentCounters
    let tap: TapPoint
    let now: @Sendable () -> Timestamp

    func process(_ batch: inout Batch) throws(ConsumeError) {
        let records = batch.otlp.recordCount
        do throws(ConsumeError) {
            try processor.process(&batch)
        } catch {
            counters.note(error.message, at: now())
            counters.add(records, to: error.isRetryable ? .failed : .refused)
            throw error
        }
        passage.add(records, to: .accepted)
        tap.offer(batch)
    }
}

/// A running pipeline: processors in order, then all exporters at once.
struct Pipeline: Consumer {
    let processors: [any Processor]
    let exporters: [any Consumer]

    func consume(_ batch: Batch) async throws(ConsumeError) {
        var batch = batch
        for processor in processors { try processor.process(&batch) }
        try takeMemory(for: batch)
        // An exporter may keep the batch for longer than its request lives, and counts what it keeps itself.
        batch.memory = nil
        guard batch.otlp.recordCount > 0 else {
            batch.receipt?.note(0)
            return
        }
        try await FanOut(consumers: exporters).consume(batch)
    }

    var stores: Set<UInt64> { get async { await exporters.stores } }

    /// What a call takes up here and in a store until it is written, beside its record.
    private static let callCost = 2_048

    /// Takes memory for the calls that were found, before stores make rows of them.
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

/// Hands each batch to several consumers at once and answers when all have taken it.
///
/// A permanent refusal by one outweighs a passing trouble of another: to send the batch again would not help.
struct FanOut: Consumer {
    let consumers: [any Consumer]

    var stores: Set<UInt64> { get async { await consumers.stores } }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        if consumers.count == 1 {
            try await consumers[0].consume(batch)
            return
        }
        let errors = await withTaskGroup(of: ConsumeError?.self) { group in
            for consumer in consumers {
                group.addTask {
                    do throws(ConsumeError) {
                        try await consumer.consume(batch)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: [ConsumeError]()) { errors, error in
                if let error { errors.append(error) }
            }
        }
        if let error = errors.first(where: { !$0.isRetryable }) ?? errors.max(by: { $0.retryAfter < $1.retryAfter }) {
            throw error
        }
    }
}
