// SPDX-License-Identifier: Apache-2.0

/// The attribute keys that later stages look for, as small integers.
///
/// Keys are recognised once, while a batch is indexed; every later stage switches over a byte and never compares strings.
/// A case is named after its OTLP key (`gen_ai.usage.input_tokens` is `genAIUsageInputTokens`); where a dotted and an
/// undotted spelling would share a name, the undotted one ends in `Flat`.
public enum AttributeKey: UInt8, Sendable, Hashable, CaseIterable {
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
        traceloopAssociationPropertiesSessionID, threadID, threadIDFlat, promptID, promptIDFlat, turnID, turnIDFlat

    // Request and response ids.
    case requestID, clientRequestID, anthropicRequestID, genAIResponseID, aiResponseID, responseID, litellmCallID,
        authRequestID

    // Operation, agent and source.
    case genAIOperationName, openinferenceSpanKind, traceloopSpanKind, langfuseObservationType, llmRequestType,
        genAIAgentID, genAIAgentName, agentName, agentID, parentAgentID, agentNameFlat, agentType, querySource,
        querySourceSafe, aiTelemetryFunctionID, traceloopEntityName, traceloopWorkflowName

    // Provider and model.
    case genAIProviderName, genAISystem, llmProvider, llmSystem, aiModelProvider, aiProvider, providerName,
        genAIResponseModel, aiResponseModel, llmResponseModelName, llmResponseModel, model, genAIRequestModel,
        aiModelID, aiModel, llmModelName, langfuseObservationModelName, modelName, embeddingModelName,
        litellmProviderModel, finalModel

    // Service tier, speed and place.
    case speed, effort, serviceTier, anthropicResponseServiceTier, genAIOpenaiResponseServiceTier,
        genAIResponseServiceTier, openaiResponseServiceTier, genAIOpenaiRequestServiceTier, openaiRequestServiceTier,
        inferenceGeo, modelReasoningEffort

    // Input tokens.
    case inputTokens, inputTokenCount, genAIUsageInputTokens, genAIUsagePromptTokens, llmTokenCountPrompt,
        aiUsageInputTokens, aiUsagePromptTokens, aiInputTokens, genAIUsageDetailsInputTokens, aiUsageTokens,
        genAIAggregatedUsageInputTokens, codexTurnTokenUsageInputTokens

    // Output tokens.
    case outputTokens, outputTokenCount, genAIUsageOutputTokens, genAIUsageCompletionTokens, llmTokenCountCompletion,
        aiUsageOutputTokens, aiUsageCompletionTokens, aiOutputTokens, genAIUsageDetailsOutputTokens,
        genAIAggregatedUsageOutputTokens, codexTurnTokenUsageOutputTokens

    // Tokens read from a cache.
    case cacheReadTokens, cachedTokenCount, cachedContentTokenCount, genAIUsageCacheReadInputTokens,
        genAIUsageCacheReadInputTokensFlat, genAIUsageCacheReadTokens, genAIUsageDetailsCacheReadInputTokens,
        genAIUsageDetailsCacheReadTokens, genAIUsageDetailsCachedTokens, genAIUsageInputCachedTokens,
        genAIUsageInputTokensCached, genAIUsageCachedTokens, llmTokenCountPromptDetailsCacheRead,
        aiUsageCachedInputTokens, genAIAggregatedUsageCacheReadInputTokens, codexTurnTokenUsageCachedInputTokens

    // Tokens written to a cache.
    case cacheCreationTokens, cacheWriteTokenCount, genAIUsageCacheWriteInputTokens,
        genAIUsageCacheCreationInputTokens, genAIUsageCacheCreationInputTokensFlat, genAIUsageCacheWriteTokens,
        genAIUsageDetailsCacheCreationInputTokens, genAIUsageDetailsCacheWriteTokens,
        genAIUsageInputTokensCacheWrite, llmTokenCountPromptDetailsCacheWrite,
        genAIAggregatedUsageCacheCreationInputTokens, codexTurnTokenUsageCacheWriteInputTokens,
        cacheCreation5mTokens, cacheCreation1hTokens, anthropicUsageCacheCreationEphemeral5mInputTokens,
        anthropicUsageCacheCreationEphemeral1hInputTokens, genAIUsageDetailsEphemeral5mInputTokens,
        genAIUsageDetailsEphemeral1hInputTokens

    // Reasoning tokens.
    case reasoningTokenCount, thoughtsTokenCount, genAIUsageReasoningOutputTokens, codexUsageReasoningOutputTokens,
        genAIUsageReasoningTokens, genAIUsageDetailsReasoningTokens, llmUsageReasoningTokens,
        genAIUsageOutputTokensReasoning, llmTokenCountCompletionDetailsReasoning, aiUsageReasoningTokens,
        codexTurnTokenUsageReasoningOutputTokens

    // Totals and metric token types.
    case totalTokenCount, totalTokens, toolTokenCount, genAIUsageTotalTokens, llmUsageTotalTokens, llmTokenCountTotal,
        aiUsageTotalTokens, codexUsageTotalTokens, codexTurnTokenUsageTotalTokens, genAITokenType, type, tokenType,
        langfuseObservationUsageDetails, aiResponseProviderMetadata, genAIUsageAudioInputTokens,
        llmTokenCountPromptDetailsAudio

    // Cost as the sender reports it.
    case costUSD, costUSDMicros, litellmCostTotal, genAIUsageCost, operationCost, llmCostTotal, genAICostTotalCost,
        aiCostUSD, aiCostEstimated, langfuseObservationCostDetails, langfuseObservationCostDetailsTotal

    // Time and attempts.
    case durationMs, ttftMs, aiResponseMsToFinish, attempt

    // User and organisation.
    case userEmail, userAccountUUID, userAccountID, userID, userName, userGroups, langfuseUserID, enduserID,
        litellmEndUserID, litellmTeamID, litellmTeamAlias, aiTelemetryMetadataUserID, organizationID, teamID

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
