// SPDX-License-Identifier: Apache-2.0

import OTLP

/// Which attribute carries which fact, in the order in which they are asked; the first that is present and not empty wins.
///
/// The keys are those of the agents themselves, of OpenTelemetry's GenAI conventions old and new, OpenInference, OpenLLMetry, the
/// Vercel AI SDK, Pydantic AI, LiteLLM, Langfuse and Sentry.
enum ExtractionTable {
    static let session: KeyGroup = [
        .sessionID, .conversationID, .genAIConversationID, .copilotChatSessionID, .copilotChatChatSessionID,
        .langfuseSessionID,
        .aiTelemetryMetadataSessionID, .traceloopAssociationPropertiesSessionID, .sessionIDFlat, .threadID,
    ]
    /// Copilot's `session.id` names a window, not a chat.
    static let copilotSession: KeyGroup = [
        .genAIConversationID, .copilotChatSessionID, .copilotChatChatSessionID, .githubCopilotInteractionID,
    ]
    static let provider: KeyGroup = [
        .genAIProviderName, .genAISystem, .llmProvider, .llmSystem, .aiModelProvider, .aiProvider, .providerName,
    ]
    static let model: KeyGroup = [
        .genAIResponseModel, .aiResponseModel, .llmResponseModelName, .llmResponseModel, .model, .genAIRequestModel,
        .aiModelID,
        .aiModel, .llmModelName, .embeddingModelName, .langfuseObservationModelName, .slug, .modelName,
    ]
    static let input: KeyGroup = [
        .inputTokens, .inputTokenCount, .genAIUsageInputTokens, .genAIUsagePromptTokens, .llmTokenCountPrompt,
        .aiUsageInputTokens,
        .aiUsagePromptTokens, .aiUsageTokens, .aiInputTokens, .genAIUsageDetailsInputTokens,
    ]
    static let output: KeyGroup = [
        .outputTokens, .outputTokenCount, .genAIUsageOutputTokens, .genAIUsageCompletionTokens,
        .llmTokenCountCompletion,
        .aiUsageOutputTokens, .aiUsageCompletionTokens, .aiOutputTokens, .genAIUsageDetailsOutputTokens,
    ]
    static let cacheRead: KeyGroup = [
        .cacheReadTokens, .cachedTokenCount, .cachedContentTokenCount, .genAIUsageCacheReadInputTokens,
        .genAIUsageCacheReadInputTokensFlat, .genAIUsageCacheReadTokens, .genAIUsageDetailsCacheReadInputTokens,
        .genAIUsageDetailsCacheReadTokens, .genAIUsageDetailsCachedTokens, .genAIUsageInputCachedTokens,
        .genAIUsageInputTokensCached, .genAIUsageCachedTokens, .llmTokenCountPromptDetailsCacheRead,
        .aiUsageCachedInputTokens,
    ]
    static let cacheWrite: KeyGroup = [
        .cacheCreationTokens, .cacheWriteTokenCount, .genAIUsageCacheWriteInputTokens,
        .genAIUsageCacheCreationInputTokens,
        .genAIUsageCacheCreationInputTokensFlat, .genAIUsageCacheWriteTokens,
        .genAIUsageDetailsCacheCreationInputTokens,
        .genAIUsageDetailsCacheWriteTokens, .genAIUsageInputTokensCacheWrite, .llmTokenCountPromptDetailsCacheWrite,
    ]
    static let cacheWrite5m: KeyGroup = [
        .cacheCreation5mTokens, .anthropicUsageCacheCreationEphemeral5mInputTokens,
        .genAIUsageDetailsEphemeral5mInputTokens,
    ]
    static let cacheWrite1h: KeyGroup = [
        .cacheCreation1hTokens, .anthropicUsageCacheCreationEphemeral1hInputTokens,
        .genAIUsageDetailsEphemeral1hInputTokens,
    ]
    static let reasoning: KeyGroup = [
        .reasoningTokenCount, .thoughtsTokenCount, .genAIUsageReasoningOutputTokens, .codexUsageReasoningOutputTokens,
        .genAIUsageReasoningTokens, .genAIUsageDetailsReasoningTokens, .llmUsageReasoningTokens,
        .genAIUsageOutputTokensReasoning,
        .llmTokenCountCompletionDetailsReasoning, .aiUsageReasoningTokens,
    ]
    /// Only compared with the sum of the parts; Codex calls its total `tool_token_count`, which is therefore not here.
    static let total: KeyGroup = [
        .totalTokenCount, .genAIUsageTotalTokens, .llmUsageTotalTokens, .llmTokenCountTotal, .aiUsageTotalTokens,
        .codexUsageTotalTokens,
    ]
    static let cost: KeyGroup = [
        .costUSD, .litellmCostTotal, .genAIUsageCost, .operationCost, .llmCostTotal, .genAICostTotalCost, .aiCostUSD,
        .langfuseObservationCostDetailsTotal,
    ]
    static let duration: KeyGroup = [.durationMs, .aiResponseMsToFinish]
    static let user: KeyGroup = [
        .userEmail, .userAccountUUID, .userAccountID, .langfuseUserID, .userID, .enduserID, .litellmEndUserID,
        .aiTelemetryMetadataUserID,
    ]
    static let project: KeyGroup = [
        .projectName, .project, .vcsRepositoryName, .vcsRepositoryURLFull, .aiProject,
        .traceloopAssociationPropertiesProject,
    ]
    static let error: KeyGroup = [.errorType, .errorTypeFlat, .error, .errorMessage, .exceptionType]
    static let status: KeyGroup = [.httpResponseStatusCode, .statusCode]
    static let requestID: KeyGroup = [.requestID, .anthropicRequestID]
    static let responseID: KeyGroup = [.genAIResponseID, .aiResponseID, .responseID, .litellmCallID]
    static let serviceTier: KeyGroup = [
        .serviceTier, .anthropicResponseServiceTier, .genAIOpenaiResponseServiceTier, .genAIResponseServiceTier,
        .openaiResponseServiceTier, .genAIOpenaiRequestServiceTier, .openaiRequestServiceTier,
    ]

    /// Whether an attribute under this key makes its record worth a closer look, by raw value.
    static let tellsUsage: [Bool] = {
        var table = [Bool](repeating: false, count: 256)
        for key in input.keys + output.keys { table[Int(key.rawValue)] = true }
        return table
    }()
}
