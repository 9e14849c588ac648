// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP

/// Drops every record that meets a condition.
///
/// What `tokens` extracted from a record before stays; a record that is dropped before `tokens` is not counted.
struct FilterProcessor: Processor {
    private let conditions: [Signal: [Condition]]

    init(_ config: FilterConfig, _ settings: ComponentSettings) throws(StartError) {
        var conditions: [Signal: [Condition]] = [:]
        for list in config.lists {
            for text in list.texts {
                do throws(ConditionError) {
                    let condition = try Condition(parsing: text, in: list.context, of: list.signal)
                    conditions[list.signal, default: []].append(condition)
                } catch {
                    let place = list.path.joined(separator: ".")
                    throw StartError(
                        .configuration,
                        "\(settings.id): \(place): character \(error.position + 1): \(error.message)"
                    )
                }
            }
        }
        self.conditions = conditions
    }

    func process(_ batch: inout Batch) throws(ConsumeError) {
        guard let conditions = conditions[batch.signal] else { return }
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            if conditions.contains(where: { $0.isMet(by: record, of: batch.otlp) }) {
                batch.otlp.overlay.drop(record: record)
            }
        }
    }
}

extension ComponentFactory {
    /// Drops records by conditions; an invalid condition, which validation reports before, makes the start fail.
    public static let filter = ComponentFactory.processor(
        "filter",
        FilterConfig.self,
        summary: "drops spans, log records and data points that meet a condition, as in the OpenTelemetry Collector"
    ) { config, settings throws(StartError) in try FilterProcessor(config, settings) }
}
