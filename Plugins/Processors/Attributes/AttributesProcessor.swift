// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP

/// Applies actions in order to the attributes of spans, log records and data points.
struct AttributesProcessor: Processor {
    let actions: [(action: AttributeAction, target: ActionConfig.Target)]
    let include: RecordSelector?
    let exclude: RecordSelector?

    func process(_ batch: inout Batch) throws(ConsumeError) {
        guard !actions.isEmpty else { return }
        // A resource is changed once, with the first of its records that is meant.
        var done: Set<Int> = []
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            if let include, !include.matches(record, of: batch.otlp) { continue }
            if let exclude, exclude.matches(record, of: batch.otlp) { continue }
            let resource = batch.otlp.scopes[batch.otlp.records[record].scope].resource
            let isFirst = done.insert(resource).inserted
            for (action, target) in actions {
                switch target {
                case .record: action.apply(to: .record(record), of: &batch)
                case .resource: if isFirst { action.apply(to: .resource(resource), of: &batch) }
                }
            }
        }
    }
}

extension ComponentFactory {
    /// Changes attributes; an invalid action, which validation reports before, makes the start fail.
    public static let attributes = ComponentFactory.processor(
        "attributes",
        AttributesConfig.self,
        summary: "adds, changes, hashes and deletes attributes of records, as in the OpenTelemetry Collector"
    ) { config, settings throws(StartError) in
        do throws(ActionError) {
            return AttributesProcessor(
                actions: Array(
                    zip(try AttributeAction.list(config.actions, settings), config.actions.map(\.target))
                ),
                include: try RecordSelector.make(config.include),
                exclude: try RecordSelector.make(config.exclude)
            )
        } catch {
            throw StartError(.configuration, "\(settings.id): \(error.message)")
        }
    }
}
