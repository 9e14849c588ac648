// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// Writes what was learned about calls onto the records that told of them, so that any backend can chart tokens and money.
///
/// What a sender has written stays as it is: only missing attributes are added, with the names and meaning of OpenTelemetry's
/// conventions (`gen_ai.usage.input_tokens` contains cached tokens), and `hammurabi.cost.usd`.
enum UsageAttributes {
    /// The batch with its usage written down.
    static func written(on batch: Batch) -> Batch {
        var batch = batch
        for (observation, record) in zip(batch.observations, batch.recordOfObservation) {
            let record = Int(record)
            guard record >= 0, record < batch.otlp.records.count, batch.otlp.isLive(record: record) else { continue }
            // A roll-up repeats what its descendants tell: a chart would count it twice.
            guard !observation.trace.isRollUp else { continue }
            write(observation, pricing: batch.pricing, on: record, of: &batch.otlp)
        }
        return batch
    }

    private static func write(_ observation: Observation, pricing: Pricing?, on record: Int, of batch: inout OTLPBatch)
    {
        let counts = observation.counts
        let tokens: [(AttributeKey, Int64, Bool)] = [
            (.genAIUsageInputTokens, counts.prompt, true), (.genAIUsageOutputTokens, counts.output, true),
            (.genAIUsageCacheReadInputTokens, counts.cacheRead, false),
            (.genAIUsageCacheCreationInputTokens, counts.cacheWrite, false),
            (.genAIUsageReasoningOutputTokens, counts.reasoning, false),
        ]
        for (key, value, isAlways) in tokens where value > 0 || isAlways { fill(key, .int(value), record, &batch) }
        if let model = observation.model { fill(.genAIResponseModel, .string(model), record, &batch) }
        if let provider = observation.provider { fill(.genAIProviderName, .string(provider), record, &batch) }
        guard let cost = cost(of: observation, pricing) else { return }
        batch.set("hammurabi.cost.usd", to: .double(cost.dollars), record: record)
    }

    private static func fill(_ key: AttributeKey, _ value: AttributeScalar, _ record: Int, _ batch: inout OTLPBatch) {
        guard batch.attribute(key, record: record) == nil else { return }
        batch.overlay.append(key, value, toRecord: record)
    }

    /// What the call costs as far as this witness knows it; nil for a model without a price.
    private static func cost(of observation: Observation, _ pricing: Pricing?) -> Money? {
        var call = Call(id: observation.id, time: observation.time, counts: observation.counts)
        call.model = observation.model
        call.provider = observation.provider
        call.terms = observation.terms
        call.reportedCost = observation.reportedCost
        call.knowsCacheLifetimes = observation.knowsCacheLifetimes
        guard let price = pricing?.price(call), price.isPriced else { return nil }
        return price.cost
    }
}
