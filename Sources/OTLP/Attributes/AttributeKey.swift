// SPDX-License-Identifier: Apache-2.0

/// The attribute keys that later stages look for, as small integers.
///
/// Keys are recognised once, while a batch is indexed; every later stage switches over a number and never compares strings.
/// A case is named after its OTLP key (`gen_ai.usage.input_tokens` is `genAIUsageInputTokens`); where a dotted and an
/// undotted spelling would share a name, the undotted one ends in `Flat`.
public enum AttributeKey: UInt16, Sendable, Hashable, CaseIterable {
    /// Every raw value is smaller than this: the size of a table with a place for each key.
    public static let limit = 320

    /// A key that this list does not name; its text is in ``AttributeEntry/key``.
    case unknown = 0

    // Resource: who sends.
    case serviceName, serviceVersion, serviceNamespace, serviceInstanceID, deploymentEnvironmentName, env, hostName,
        hostArch, osType, osVersion, machineID, telemetrySDKLanguage, telemetrySDKName, telemetrySDKVersion,
        appVersion, originator, terminalType, slug

    // Event: which record this is.
    case eventName, eventKind, eventTimestamp, eventSequence, messageUUID

    // Session, thread and prompt.
    case sessionID, sessionIDFlat, conversationID, genAIConversationID, copilotChatSessionID,
        copilotChatChatSessionID, githubCopilotInteractionID, langfuseSessionID, aiTelemetryMetadataSessionID,
        traceloopAssociationPropertiesSessionID, threadID, threadIDFlat, promptID, promptIDFlat, turnID, turnIDFlat,
        traceloopAssociationPropertiesThreadID, gcpVertexAgentSessionID, lmnrAssociationPropertiesSessionID,
        langsmithMetadataSessionID, langsmithMetadataThreadID, litellmTraceID

    // Request and response ids.
    case requestID, clientRequestID, anthropicRequestID, genAIResponseID, aiResponseID, responseID, litellmCallID,
        authRequestID

    // Operation, agent and source.
    case genAIOperationName, openinferenceSpanKind, traceloopSpanKind, langfuseObservationType, llmRequestType,
        genAIAgentID, genAIAgentName, agentName, agentID, parentAgentID, agentNameFlat, agentType, querySource,
        querySourceSafe, aiTelemetryFunctionID, traceloopEntityName, traceloopWorkflowName, mlflowSpanType,
        langsmithSpanKind, lmnrSpanType, ag2UsageKind

    // Provider and model.
    case genAIProviderName, genAISystem, llmProvider, llmSystem, aiModelProvider, aiProvider, providerName,
        genAIResponseModel, aiResponseModel, llmResponseModelName, llmResponseModel, model, genAIRequestModel,
        aiModelID, aiModel, llmModelName, langfuseObservationModelName, modelName, embeddingModelName,
        litellmProviderModel, finalModel, mlflowLLMModel, llmRequestModel, llmVendor

    // Service tier, speed and place.
    case speed, effort, serviceTier, anthropicResponseServiceTier, genAIOpenaiResponseServiceTier,
        genAIResponseServiceTier, openaiResponseServiceTier, genAIOpenaiRequestServiceTier, openaiRequestServiceTier,
        inferenceGeo, modelReasoningEffort

    // Input tokens.
    case inputTokens, inputTokenCount, genAIUsageInputTokens, genAIUsagePromptTokens, llmTokenCountPrompt,
        aiUsageInputTokens, aiUsagePromptTokens, aiInputTokens, genAIUsageDetailsInputTokens, aiUsageTokens,
        genAIAggregatedUsageInputTokens, codexTurnTokenUsageInputTokens, llmUsagePromptTokens,
        genAIUsageTextInputTokens, genAIUsageImageInputTokens, genAIUsageVideoInputTokens

    // Output tokens.
    case outputTokens, outputTokenCount, genAIUsageOutputTokens, genAIUsageCompletionTokens, llmTokenCountCompletion,
        aiUsageOutputTokens, aiUsageCompletionTokens, aiOutputTokens, genAIUsageDetailsOutputTokens,
        genAIAggregatedUsageOutputTokens, codexTurnTokenUsageOutputTokens, llmUsageCompletionTokens,
        genAIUsageTextOutputTokens, genAIUsageImageOutputTokens, genAIUsageAudioOutputTokens,
        genAIUsageVideoOutputTokens

    // Tokens read from a cache.
    case cacheReadTokens, cachedTokenCount, cachedContentTokenCount, genAIUsageCacheReadInputTokens,
        genAIUsageCacheReadInputTokensFlat, genAIUsageCacheReadTokens, genAIUsageDetailsCacheReadInputTokens,
        genAIUsageDetailsCacheReadTokens, genAIUsageDetailsCachedTokens, genAIUsageInputCachedTokens,
        genAIUsageInputTokensCached, genAIUsageCachedTokens, llmTokenCountPromptDetailsCacheRead,
        aiUsageCachedInputTokens, genAIAggregatedUsageCacheReadInputTokens, codexTurnTokenUsageCachedInputTokens,
        genAIUsageCachedInputTokens, genAIUsagePromptTokensDetailsCachedTokens,
        genAIUsageInputTokensDetailsCachedTokens, genAIUsageDetailsCachedContentTokens,
        genAIUsageTextCacheReadInputTokens, genAIUsageImageCacheReadInputTokens,
        genAIUsageAudioCacheReadInputTokens, genAIUsageVideoCacheReadInputTokens

    // Tokens written to a cache.
    case cacheCreationTokens, cacheWriteTokenCount, genAIUsageCacheWriteInputTokens,
        genAIUsageCacheCreationInputTokens, genAIUsageCacheCreationInputTokensFlat, genAIUsageCacheWriteTokens,
        genAIUsageDetailsCacheCreationInputTokens, genAIUsageDetailsCacheWriteTokens,
        genAIUsageInputTokensCacheWrite, llmTokenCountPromptDetailsCacheWrite,
        genAIAggregatedUsageCacheCreationInputTokens, codexTurnTokenUsageCacheWriteInputTokens,
        cacheCreation5mTokens, cacheCreation1hTokens, anthropicUsageCacheCreationEphemeral5mInputTokens,
        anthropicUsageCacheCreationEphemeral1hInputTokens, genAIUsageDetailsEphemeral5mInputTokens,
        genAIUsageDetailsEphemeral1hInputTokens, genAIUsageCacheWriteInputTokensFlat

    // Reasoning tokens.
    case reasoningTokenCount, thoughtsTokenCount, genAIUsageReasoningOutputTokens, codexUsageReasoningOutputTokens,
        genAIUsageReasoningTokens, genAIUsageDetailsReasoningTokens, llmUsageReasoningTokens,
        genAIUsageOutputTokensReasoning, llmTokenCountCompletionDetailsReasoning, aiUsageReasoningTokens,
        codexTurnTokenUsageReasoningOutputTokens, genAIUsageThinkingTokens, genAIUsageReasoningOutputTokensFlat,
        genAIUsageDetailsThoughtsTokens, genAIUsageCompletionTokensDetailsReasoningTokens,
        genAIUsageOutputTokensDetailsReasoningTokens

    // Totals and metric token types.
    case totalTokenCount, totalTokens, toolTokenCount, genAIUsageTotalTokens, llmUsageTotalTokens, llmTokenCountTotal,
        aiUsageTotalTokens, codexUsageTotalTokens, codexTurnTokenUsageTotalTokens, genAITokenType, type, tokenType,
        langfuseObservationUsageDetails, aiResponseProviderMetadata, genAIUsageAudioInputTokens,
        llmTokenCountPromptDetailsAudio, mlflowChatTokenUsage, metadataUsageObject, langsmithMetadataUsageMetadata,
        genAIUsageRaw

    // Cost as the sender reports it.
    case costUSD, costUSDMicros, litellmCostTotal, genAIUsageCost, operationCost, llmCostTotal, genAICostTotalCost,
        aiCostUSD, aiCostEstimated, langfuseObservationCostDetails, langfuseObservationCostDetailsTotal

    // Time and attempts.
    case durationMs, ttftMs, aiResponseMsToFinish, attempt

    // User and organisation.
    case userEmail, userAccountUUID, userAccountID, userID, userName, userGroups, langfuseUserID, enduserID,
        litellmEndUserID, litellmTeamID, litellmTeamAlias, aiTelemetryMetadataUserID, organizationID, teamID,
        traceloopAssociationPropertiesUserID, lmnrAssociationPropertiesUserID, langsmithMetadataUserID, llmUser

    // Project and place of work.
    case projectName, project, vcsRepositoryName, vcsRepositoryURLFull, vcsRefHeadName, aiProject, workspaceHostPaths,
        traceloopAssociationPropertiesProject, cwd, gitBranch, gitRepositoryURL

    // Tools.
    case toolNameFlat, functionName, genAIToolName, toolName, aiToolCallName, toolUseID, callID, genAIToolCallID,
        aiToolCallID, decision, source, mcpServerName, mcpToolName, skillName, pluginName

    // Outcome and errors.
    case errorType, errorTypeFlat, error, errorMessage, exceptionType, exceptionMessage, httpResponseStatusCode,
        statusCode, success, genAIResponseFinishReasons, finishReasons, stopReason, litellmCacheHit
}
