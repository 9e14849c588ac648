// SPDX-License-Identifier: Apache-2.0

import OTLP

/// The attributes that calls are counted, recognised and told apart by.
enum CountedAttributes {
    /// Known keys that a configuration may neither drop nor hash: without them a call would not be counted, or counted twice.
    static let figures: Set<AttributeKey> = {
        let words = ["token", "usage", "cost", "cache_", ".cached", "model"]
        let named = AttributeKey.all.filter { key in words.contains { key.name.lowercased().contains($0) } }
        return Set(named).union([
            .requestID, .clientRequestID, .anthropicRequestID, .genAIResponseID, .aiResponseID, .responseID,
            .litellmCallID, .eventName, .eventKind, .eventTimestamp, .eventSequence, .type, .genAIOperationName,
            .openinferenceSpanKind, .mlflowSpanType, .langsmithSpanKind, .lmnrSpanType, .serviceTier, .speed,
            .serviceName,
        ])
    }()
}
