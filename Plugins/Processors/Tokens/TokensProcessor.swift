// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP
import Usage

/// Turns the records of a batch into observations of model calls.
///
/// Log records and spans tell of calls; metrics never do, because a data point cannot say which calls it sums up.
struct TokensProcessor: Processor {
    private let rules: CustomRules
    /// One for all pipelines: the sum of an agent comes as a span, its calls may come as log records.
    private let memory: TraceMemory
    private let settings: ComponentSettings

    init(_ config: TokensConfig, _ settings: ComponentSettings) {
        rules = CustomRules(config.rules)
        memory = settings.shared.part(of: settings.id) { TraceMemory() }
        self.settings = settings
    }

    func process(_ batch: inout Batch) throws(ConsumeError) {
        guard batch.signal != .metrics else { return }
        var reader = ObservationReader(batch: batch.otlp, receivedAt: batch.receivedAt, rules: rules, memory: memory)
        let findings = reader.read()
        // To take over the list costs nothing, to append to an empty one counts a reference to every text.
        if batch.observations.isEmpty {
            batch.observations = findings.observations
        } else {
            batch.observations += findings.observations
        }
        findings.unreadUsage.note(to: settings, signal: batch.signal)
        findings.longNames.note(to: settings, signal: batch.signal)
        batch.sessions = findings.sessions
    }
}

extension ComponentFactory {
    /// Finds model calls in records.
    public static let tokens = ComponentFactory.processor(
        "tokens",
        TokensConfig.self,
        summary: "finds model calls in log records and spans and reads their tokens"
    ) { config, settings in TokensProcessor(config, settings) }
}
