// SPDX-License-Identifier: Apache-2.0

import OTLP

/// Which attribute carries which fact, in the order in which they are asked; the first that is present and not empty wins.
///
/// The keys are those of the agents themselves, of OpenTelemetry's GenAI conventions old and new, OpenInference, OpenLLMetry, the
/// Vercel AI SDK, Pydantic AI, LiteLLM, Langfuse and Sentry.
enum ExtractionTable {
    static let session: [AttributeKey] = [
        .sessionID, .conversationID, .genAIConversationID, .copilotChatSessionID, .copilotChatChatSessionID,
        .langfuseSessionID,
        .aiTelemetryMetadataSessionID, .traceloopAssociationPropertiesSessionID, .sessionIDFlat, .threadID,
    ]
    /// Copilot's `session.id` names a window, not a chat.
    static let copilotSession: [AttributeKey] = [
        .genAIConversationID, .copilotChatSessionID, .copilotChatChatSessionID, .githubCopilotInteractionID,
    ]
    static let provider: [AttributeKey] = [
        .genAIProviderName, .genAISystem, .llmProvider, .llmSystem, .aiModelProvider, .aiProvider, .providerName,
    ]
    static let model: [AttributeKey] = [
        .genAIResponseModel, .aiResponseModel, .llmResponseModelName, .llmResponseModel, .model, .genAIRequestModel,
        .aiModelID,
        .aiModel, .llmModelName, .embeddingModelName, .langfuseObservationModelName, .slug, .modelName,
    ]
    static let input: [AttributeKey] = [
        .inputTokens, .inputTokenCount, .genAIUsageInputTokens, .genAIUsagePromptTokens, .llmTokenCountPrompt,
        .aiUsageInputTokens,
        .aiUsagePromptTokens, .aiUsageTokens, .aiInputTokens, .genAIUsageDetailsInputTokens,
    ]
    static let output: [AttributeKey] = [
        .outputTokens, .outputTokenCount, .genAIUsageOutputTokens, .genAIUsageCompletionTokens,
        .llmTokenCountCompletion,
        .aiUsageOutputTokens, .aiUsageCompletionTokens, .aiOutputTokens, .genAIUsageDetailsOutputTokens,
    ]
    static let cacheRead: [AttributeKey] = [
        .cacheReadTokens, .cachedTokenCount, .cachedContentTokenCount, .genAIUsageCacheReadInputTokens,
        .genAIUsageCacheReadInputTokensFlat, .genAIUsageCacheReadTokens, .genAIUsageDetailsCacheReadInputTokens,
        .genAIUsageDetailsCacheReadTokens, .genAIUsageDetailsCachedTokens, .genAIUsageInputCachedTokens,
        .genAIUsageInputTokensCached, .genAIUsageCachedTokens, .llmTokenCountPromptDetailsCacheRead,
        .aiUsageCachedInputTokens,
    ]
    static let cacheWrite: [AttributeKey] = [
        .cacheCreationTokens, .cacheWriteTokenCount, .genAIUsageCacheWriteInputTokens,
        .genAIUsageCacheCreationInputTokens,
        .genAIUsageCacheCreationInputTokensFlat, .genAIUsageCacheWriteTokens,
        .genAIUsageDetailsCacheCreationInputTokens,
        .genAIUsageDetailsCacheWriteTokens, .genAIUsageInputTokensCacheWrite, .llmTokenCountPromptDetailsCacheWrite,
    ]
    static let cacheWrite5m: [AttributeKey] = [
        .cacheCreation5mTokens, .anthropicUsageCacheCreationEphemeral5mInputTokens,
        .genAIUsageDetailsEphemeral5mInputTokens,
    ]
    static let cacheWrite1h: [AttributeKey] = [
        .cacheCreation1hTokens, .anthropicUsageCacheCreationEphemeral1hInputTokens,
        .genAIUsageDetailsEphemeral1hInputTokens,
    ]
    static let reasoning: [AttributeKey] = [
        .reasoningTokenCount, .thoughtsTokenCount, .genAIUsageReasoningOutputTokens, .codexUsageReasoningOutputTokens,
        .genAIUsageReasoningTokens, .genAIUsageDetailsReasoningTokens, .llmUsageReasoningTokens,
        .genAIUsageOutputTokensReasoning,
        .llmTokenCountCompletionDetailsReasoning, .aiUsageReasoningTokens,
    ]
    /// Only compared with the sum of the parts; Codex calls its total `tool_token_count`, which is therefore not here.
    static let total: [AttributeKey] = [
        .totalTokenCount, .genAIUsageTotalTokens, .llmUsageTotalTokens, .llmTokenCountTotal, .aiUsageTotalTokens,
        .codexUsageTotalTokens,
    ]
    static let cost: [AttributeKey] = [
        .costUSD, .litellmCostTotal, .genAIUsageCost, .operationCost, .llmCostTotal, .genAICostTotalCost, .aiCostUSD,
        .langfuseObservationCostDetailsTotal,
    ]
    static let duration: [AttributeKey] = [.durationMs, .aiResponseMsToFinish]
    static let user: [AttributeKey] = [
        .userEmail, .userAccountUUID, .userAccountID, .langfuseUserID, .userID, .enduserID, .litellmEndUserID,
        .aiTelemetryMetadataUserID,
    ]
    static let project: [AttributeKey] = [
        .projectName, .project, .vcsRepositoryName, .vcsRepositoryURLFull, .aiProject,
        .traceloopAssociationPropertiesProject,
    ]
    static let error: [AttributeKey] = [.errorType, .errorTypeFlat, .error, .errorMessage, .exceptionType]
    static let status: [AttributeKey] = [.httpResponseStatusCode, .statusCode]
    static let requestID: [AttributeKey] = [.requestID, .anthropicRequestID]
    static let responseID: [AttributeKey] = [.genAIResponseID, .aiResponseID, .responseID, .litellmCallID]
    static let serviceTier: [AttributeKey] = [
        .serviceTier, .anthropicResponseServiceTier, .genAIOpenaiResponseServiceTier, .genAIResponseServiceTier,
        .openaiResponseServiceTier, .genAIOpenaiRequestServiceTier, .openaiRequestServiceTier,
    ]

    /// Whether an attribute under this key makes its record worth a closer look, by raw value.
    static let tellsUsage: [Bool] = {
        var table = [Bool](repeating: false, count: 256)
        for key in input + output { table[Int(key.rawValue)] = true }
        return table
    }()
}
