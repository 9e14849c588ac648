// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Files
import Logging
import OTLP
import Usage

/// Extracts observations of model calls from the records of a batch.
///
/// Log records and spans report calls; metrics never do, because a data point cannot show which calls it contains.
struct TokensProcessor: Processor {
    private let rules: CustomRules
    /// Shared by all pipelines: an agent's sum arrives as a span, its calls may arrive as log records.
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
        // Assigning the whole list costs nothing; appending to an empty one retains every text.
        if batch.observations.isEmpty {
            batch.observations = findings.observations
        } else {
            batch.observations += findings.observations
        }
        findings.unreadUsage.note(to: settings, signal: batch.signal)
        findings.longNames.note(to: settings, signal: batch.signal)
        batch.sessions = findings.sessions
        limits.note(findings.limits, now: settings.now())
    }

    /// Keeps the limits that were noted: without a hub no other component does.
    func shutdown() async {
        do throws(FileError) {
            try limits.keep(now: settings.now())
        } catch {
            settings.logger.warning(
                "limits cannot be kept",
                metadata: ["path": "\(error.path)", "error": "\(error.reason)"]
            )
        }
    }

    private var limits: LimitBook { settings.shared.limits(in: settings.home) }
}

extension ComponentFactory {
    /// Finds model calls in records.
    public static let tokens = ComponentFactory.processor(
        "tokens",
        TokensConfig.self,
        summary: "finds model calls in log records and spans and reads their tokens"
    ) { config, settings in TokensProcessor(config, settings) }
}
