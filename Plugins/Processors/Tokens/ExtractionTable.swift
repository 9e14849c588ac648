// SPDX-License-Identifier: Apache-2.0

import OTLP

/// The attributes that may hold each fact, in order of precedence; the first that is present and not empty is used.
///
/// The keys are those of the agents themselves, of OpenTelemetry's GenAI conventions old and new, OpenInference, OpenLLMetry, the
/// Vercel AI SDK, Pydantic AI, LiteLLM, Langfuse, MLflow, LangSmith, Laminar, AG2, Google ADK and Sentry.
enum ExtractionTable {
    static let session: KeyGroup = [
        .sessionID, .conversationID, .genAIConversationID, .copilotChatSessionID, .copilotChatChatSessionID,
        .langfuseSessionID,
        .aiTelemetryMetadataSessionID, .traceloopAssociationPropertiesSessionID, .sessionIDFlat, .threadID,
        .gcpVertexAgentSessionID, .lmnrAssociationPropertiesSessionID, .langsmithMetadataSessionID,
        .langsmithMetadataThreadID, .traceloopAssociationPropertiesThreadID, .litellmTraceID,
        .mlflowTraceSession, .metadataSessionID,
    ]
    /// Copilot's `session.id` identifies a window, not a chat.
    static let copilotSession: KeyGroup = [
        .genAIConversationID, .copilotChatSessionID, .copilotChatChatSessionID, .githubCopilotInteractionID,
    ]
    static let provider: KeyGroup = [
        .genAIProviderName, .genAISystem, .llmProvider, .llmSystem, .llmVendor, .aiModelProvider, .aiProvider,
        .providerName,
    ]
    static let model: KeyGroup = [
        .genAIResponseModel, .aiResponseModel, .llmResponseModelName, .llmResponseModel, .model, .genAIRequestModel,
        .llmRequestModel, .aiModelID, .aiModel, .llmModelName, .embeddingModelName, .langfuseObservationModelName,
        .mlflowLLMModel, .slug, .modelName, .langsmithMetadataLsModelName,
    ]
    static let input: KeyGroup = [
        .inputTokens, .inputTokenCount, .genAIUsageInputTokens, .genAIUsagePromptTokens, .llmTokenCountPrompt,
        .aiUsageInputTokens,
        .aiUsagePromptTokens, .aiUsageTokens, .aiInputTokens, .genAIUsageDetailsInputTokens, .llmUsagePromptTokens,
    ]
    /// Attributes whose prompt figure excludes cached tokens: names without a prefix are those of Anthropic's API.
    ///
    /// All others include them, as OpenTelemetry's conventions require.
    static let exclusiveInput: KeyGroup = [.inputTokens, .genAIUsageDetailsInputTokens]
    /// Instrumentations that write Anthropic's figures under names of the conventions without adding the cached tokens; their OpenAI
    /// figures follow the conventions.
    ///
    /// AG2 1.2.1: 70 input tokens of a prompt of 16,251; OpenInference around Agno 3.1.10: 72 of 14,033.
    static let scopesWithAnthropicFigures: [StaticString] = [
        "opentelemetry.instrumentation.ag2", "openinference.instrumentation.agno",
    ]
    /// Parts of a prompt by modality, which are added when no attribute has the total.
    static let inputByModality: KeyGroup = [
        .genAIUsageTextInputTokens, .genAIUsageImageInputTokens, .genAIUsageAudioInputTokens,
        .genAIUsageVideoInputTokens,
    ]
    static let outputByModality: KeyGroup = [
        .genAIUsageTextOutputTokens, .genAIUsageImageOutputTokens, .genAIUsageAudioOutputTokens,
        .genAIUsageVideoOutputTokens,
    ]
    static let cacheReadByModality: KeyGroup = [
        .genAIUsageTextCacheReadInputTokens, .genAIUsageImageCacheReadInputTokens,
        .genAIUsageAudioCacheReadInputTokens, .genAIUsageVideoCacheReadInputTokens,
    ]
    static let output: KeyGroup = [
        .outputTokens, .outputTokenCount, .genAIUsageOutputTokens, .genAIUsageCompletionTokens,
        .llmTokenCountCompletion,
        .aiUsageOutputTokens, .aiUsageCompletionTokens, .aiOutputTokens, .genAIUsageDetailsOutputTokens,
        .llmUsageCompletionTokens,
    ]
    static let cacheRead: KeyGroup = [
        .cacheReadTokens, .cachedTokenCount, .cachedContentTokenCount, .genAIUsageCacheReadInputTokens,
        .genAIUsageCacheReadInputTokensFlat, .genAIUsageCacheReadTokens, .genAIUsageDetailsCacheReadInputTokens,
        .genAIUsageDetailsCacheReadTokens, .genAIUsageDetailsCachedTokens, .genAIUsageInputCachedTokens,
        .genAIUsageInputTokensCached, .genAIUsageCachedTokens, .llmTokenCountPromptDetailsCacheRead,
        .aiUsageCachedInputTokens, .genAIUsageCachedInputTokens, .genAIUsagePromptTokensDetailsCachedTokens,
        .genAIUsageInputTokensDetailsCachedTokens, .genAIUsageDetailsCachedContentTokens,
    ]
    static let cacheWrite: KeyGroup = [
        .cacheCreationTokens, .cacheWriteTokenCount, .genAIUsageCacheWriteInputTokens,
        .genAIUsageCacheCreationInputTokens,
        .genAIUsageCacheCreationInputTokensFlat, .genAIUsageCacheWriteTokens,
        .genAIUsageDetailsCacheCreationInputTokens,
        .genAIUsageDetailsCacheWriteTokens, .genAIUsageInputTokensCacheWrite, .llmTokenCountPromptDetailsCacheWrite,
        .genAIUsageCacheWriteInputTokensFlat,
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
        .llmTokenCountCompletionDetailsReasoning, .aiUsageReasoningTokens, .genAIUsageThinkingTokens,
        .genAIUsageReasoningOutputTokensFlat, .genAIUsageDetailsThoughtsTokens,
        .genAIUsageCompletionTokensDetailsReasoningTokens, .genAIUsageOutputTokensDetailsReasoningTokens,
    ]
    /// Only compared with the sum of the parts; `tool_token_count`, Codex's name for its total, is not included.
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
        .aiTelemetryMetadataUserID, .traceloopAssociationPropertiesUserID, .lmnrAssociationPropertiesUserID,
        .langsmithMetadataUserID, .llmUser, .mlflowTraceUser,
    ]
    static let project: KeyGroup = [
        .projectName, .project, .vcsRepositoryName, .vcsRepositoryURLFull, .aiProject,
        .traceloopAssociationPropertiesProject,
    ]
    static let team: KeyGroup = [.teamName, .litellmTeamAlias, .teamID, .litellmTeamID, .team]
    static let error: KeyGroup = [.errorType, .errorTypeFlat, .error, .errorMessage, .exceptionType]
    static let status: KeyGroup = [.httpResponseStatusCode, .statusCode]
    static let requestID: KeyGroup = [.requestID, .anthropicRequestID]
    static let responseID: KeyGroup = [.genAIResponseID, .aiResponseID, .responseID]
    /// The id that a library made for its own call: it decides nothing against the provider's ids.
    static let ownID: KeyGroup = [.litellmCallID]
    static let serviceTier: KeyGroup = [
        .serviceTier, .anthropicResponseServiceTier, .genAIOpenaiResponseServiceTier, .genAIResponseServiceTier,
        .openaiResponseServiceTier, .genAIOpenaiRequestServiceTier, .openaiRequestServiceTier,
    ]

    /// The kind of span, under the keys of the libraries that write it.
    static let kind: KeyGroup = [
        .openinferenceSpanKind, .langfuseObservationType, .mlflowSpanType, .langsmithSpanKind, .lmnrSpanType,
    ]

    /// Why a record must be examined.
    struct Interest: OptionSet, Sendable {
        let rawValue: UInt8

        /// It has tokens.
        static let usage = Interest(rawValue: 1)
        /// It has a cost.
        static let cost = Interest(rawValue: 2)
        /// It names a session or a user.
        static let names = Interest(rawValue: 4)
    }

    /// The keys under which whole numbers are expected.
    static let figures = [
        input, output, inputByModality, outputByModality, cacheRead, cacheReadByModality, cacheWrite, cacheWrite5m,
        cacheWrite1h, reasoning,
    ].flatMap(\.keys).reduce(into: KeySet()) { $0.insert($1) }

    /// Whether an attribute under a key makes a call, if its value can be read.
    static func readsFigures(of key: AttributeKey) -> Bool {
        !interests[Int(key.rawValue)].isDisjoint(with: [.usage, .cost])
    }

    /// Why an attribute with a key makes its record worth examining, by raw value.
    static let interests: [Interest] = {
        var table = [Interest](repeating: [], count: AttributeKey.limit)
        let counts = [input, output, inputByModality, outputByModality, UsageObject.keys]
        for key in counts.flatMap(\.keys) { table[Int(key.rawValue)].insert(.usage) }
        for key in cost.keys + [.costUSDMicros, .langfuseObservationCostDetails] {
            table[Int(key.rawValue)].insert(.cost)
        }
        for key in session.keys + user.keys { table[Int(key.rawValue)].insert(.names) }
        return table
    }()
}
