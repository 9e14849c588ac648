// SPDX-License-Identifier: Apache-2.0

/// The attribute keys that later stages read, as small integers.
///
/// Keys are recognised once, while a batch is indexed; every later stage compares numbers and never strings.
/// A case is named after its OTLP key (`gen_ai.usage.input_tokens` is `genAIUsageInputTokens`); where a dotted and an
/// undotted spelling would share a name, the undotted one ends in `Flat`.
public enum AttributeKey: UInt16, Sendable, Hashable, CaseIterable {
    /// Every raw value is smaller than this: the size of a table with an element for each key.
    public static let limit = 320

    /// A key that this list does not contain; its text is in ``AttributeEntry/key``.
    case unknown = 0

    // Resource: the sender.
    case serviceName, serviceVersion, serviceNamespace, serviceInstanceID, deploymentEnvironmentName, env, hostName,
        hostArch, osType, osVersion, machineID, telemetrySDKLanguage, telemetrySDKName, telemetrySDKVersion,
        appVersion, originator, terminalType, slug

    // Event: the kind of record.
    case eventName, eventKind, eventTimestamp, eventSequence, messageUUID

    // Session, thread and prompt.
    case sessionID, sessionIDFlat, conversationID, genAIConversationID, copilotChatSessionID,
        copilotChatChatSessionID, githubCopilotInteractionID, langfuseSessionID, aiTelemetryMetadataSessionID,
        traceloopAssociationPropertiesSessionID, threadID, threadIDFlat, promptID, promptIDFlat, turnID, turnIDFlat,
        traceloopAssociationPropertiesThreadID, gcpVertexAgentSessionID, lmnrAssociationPropertiesSessionID,
        langsmithMetadataSessionID, langsmithMetadataThreadID, litellmTraceID, mlflowTraceSession, metadataSessionID

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
        litellmProviderModel, finalModel, mlflowLLMModel, llmRequestModel, llmVendor, langsmithMetadataLsModelName

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

    // Cost as reported by the sender.
    case costUSD, costUSDMicros, litellmCostTotal, genAIUsageCost, operationCost, llmCostTotal, genAICostTotalCost,
        aiCostUSD, aiCostEstimated, langfuseObservationCostDetails, langfuseObservationCostDetailsTotal

    // Time and attempts.
    case durationMs, ttftMs, aiResponseMsToFinish, attempt

    // User and organisation.
    case userEmail, userAccountUUID, userAccountID, userID, userName, userGroups, langfuseUserID, enduserID,
        litellmEndUserID, litellmTeamID, litellmTeamAlias, aiTelemetryMetadataUserID, organizationID, teamID,
        teamName, team,
        traceloopAssociationPropertiesUserID, lmnrAssociationPropertiesUserID, langsmithMetadataUserID, llmUser,
        mlflowTraceUser

    // Project and working directory.
    case projectName, project, vcsRepositoryName, vcsRepositoryURLFull, vcsRefHeadName, aiProject, workspaceHostPaths,
        traceloopAssociationPropertiesProject, cwd, gitBranch, gitRepositoryURL

    // Tools.
    case toolNameFlat, functionName, genAIToolName, toolName, aiToolCallName, toolUseID, callID, genAIToolCallID,
        aiToolCallID, decision, source, mcpServerName, mcpToolName, skillName, pluginName

    // Outcome and errors.
    case errorType, errorTypeFlat, error, errorMessage, exceptionType, exceptionMessage, httpResponseStatusCode,
        statusCode, success, genAIResponseFinishReasons, finishReasons, stopReason, litellmCacheHit
}

// MARK: - Lookup

extension AttributeKey {
    /// Every key except `.unknown`.
    public static let all: [AttributeKey] = spellings.map(\.key)

    /// The key as it is spelled in OTLP; empty for `.unknown`.
    public var name: String { Self.names[Int(rawValue)] }

    /// The key with that spelling; nil when it is unknown.
    public init?(name: String) {
        let key = AttributeKeyTable.shared.key(named: name)
        guard key != .unknown else { return nil }
        self = key
    }

    private static let names: [String] = {
        var names = Array(repeating: "", count: limit)
        for (key, name) in spellings { names[Int(key.rawValue)] = String(describing: name) }
        return names
    }()
}

// MARK: - Spellings

extension AttributeKey {
    /// Every key with its OTLP spelling, in the order of the cases.
    static let spellings: [(key: AttributeKey, name: StaticString)] = [
        (.serviceName, "service.name"),
        (.serviceVersion, "service.version"),
        (.serviceNamespace, "service.namespace"),
        (.serviceInstanceID, "service.instance.id"),
        (.deploymentEnvironmentName, "deployment.environment.name"),
        (.env, "env"),
        (.hostName, "host.name"),
        (.hostArch, "host.arch"),
        (.osType, "os.type"),
        (.osVersion, "os.version"),
        (.machineID, "machine.id"),
        (.telemetrySDKLanguage, "telemetry.sdk.language"),
        (.telemetrySDKName, "telemetry.sdk.name"),
        (.telemetrySDKVersion, "telemetry.sdk.version"),
        (.appVersion, "app.version"),
        (.originator, "originator"),
        (.terminalType, "terminal.type"),
        (.slug, "slug"),
        (.eventName, "event.name"),
        (.eventKind, "event.kind"),
        (.eventTimestamp, "event.timestamp"),
        (.eventSequence, "event.sequence"),
        (.messageUUID, "message.uuid"),
        (.sessionID, "session.id"),
        (.sessionIDFlat, "sessionId"),
        (.conversationID, "conversation.id"),
        (.genAIConversationID, "gen_ai.conversation.id"),
        (.copilotChatSessionID, "copilot_chat.session_id"),
        (.copilotChatChatSessionID, "copilot_chat.chat_session_id"),
        (.githubCopilotInteractionID, "github.copilot.interaction_id"),
        (.langfuseSessionID, "langfuse.session.id"),
        (.aiTelemetryMetadataSessionID, "ai.telemetry.metadata.sessionId"),
        (.traceloopAssociationPropertiesSessionID, "traceloop.association.properties.session_id"),
        (.threadID, "thread.id"),
        (.threadIDFlat, "thread_id"),
        (.promptID, "prompt.id"),
        (.promptIDFlat, "prompt_id"),
        (.turnID, "turn.id"),
        (.turnIDFlat, "turn_id"),
        (.traceloopAssociationPropertiesThreadID, "traceloop.association.properties.thread_id"),
        (.gcpVertexAgentSessionID, "gcp.vertex.agent.session_id"),
        (.lmnrAssociationPropertiesSessionID, "lmnr.association.properties.session_id"),
        (.langsmithMetadataSessionID, "langsmith.metadata.session_id"),
        (.langsmithMetadataThreadID, "langsmith.metadata.thread_id"),
        (.litellmTraceID, "litellm.trace_id"),
        (.mlflowTraceSession, "mlflow.trace.session"),
        (.metadataSessionID, "metadata.session_id"),
        (.requestID, "request_id"),
        (.clientRequestID, "client_request_id"),
        (.anthropicRequestID, "anthropic.request.id"),
        (.genAIResponseID, "gen_ai.response.id"),
        (.aiResponseID, "ai.response.id"),
        (.responseID, "response_id"),
        (.litellmCallID, "litellm.call_id"),
        (.authRequestID, "auth.request_id"),
        (.genAIOperationName, "gen_ai.operation.name"),
        (.openinferenceSpanKind, "openinference.span.kind"),
        (.traceloopSpanKind, "traceloop.span.kind"),
        (.langfuseObservationType, "langfuse.observation.type"),
        (.llmRequestType, "llm.request.type"),
        (.genAIAgentID, "gen_ai.agent.id"),
        (.genAIAgentName, "gen_ai.agent.name"),
        (.agentName, "agent.name"),
        (.agentID, "agent_id"),
        (.parentAgentID, "parent_agent_id"),
        (.agentNameFlat, "agent_name"),
        (.agentType, "agent_type"),
        (.querySource, "query_source"),
        (.querySourceSafe, "query_source_safe"),
        (.aiTelemetryFunctionID, "ai.telemetry.functionId"),
        (.traceloopEntityName, "traceloop.entity.name"),
        (.traceloopWorkflowName, "traceloop.workflow.name"),
        (.mlflowSpanType, "mlflow.spanType"),
        (.langsmithSpanKind, "langsmith.span.kind"),
        (.lmnrSpanType, "lmnr.span.type"),
        (.ag2UsageKind, "ag2.usage.kind"),
        (.genAIProviderName, "gen_ai.provider.name"),
        (.genAISystem, "gen_ai.system"),
        (.llmProvider, "llm.provider"),
        (.llmSystem, "llm.system"),
        (.aiModelProvider, "ai.model.provider"),
        (.aiProvider, "ai.provider"),
        (.providerName, "provider_name"),
        (.genAIResponseModel, "gen_ai.response.model"),
        (.aiResponseModel, "ai.response.model"),
        (.llmResponseModelName, "llm.response.model_name"),
        (.llmResponseModel, "llm.response.model"),
        (.model, "model"),
        (.genAIRequestModel, "gen_ai.request.model"),
        (.aiModelID, "ai.model.id"),
        (.aiModel, "ai.model"),
        (.llmModelName, "llm.model_name"),
        (.langfuseObservationModelName, "langfuse.observation.model.name"),
        (.modelName, "model_name"),
        (.embeddingModelName, "embedding.model_name"),
        (.litellmProviderModel, "litellm.provider.model"),
        (.finalModel, "final_model"),
        (.mlflowLLMModel, "mlflow.llm.model"),
        (.llmRequestModel, "llm.request.model"),
        (.llmVendor, "llm.vendor"),
        (.langsmithMetadataLsModelName, "langsmith.metadata.ls_model_name"),
        (.speed, "speed"),
        (.effort, "effort"),
        (.serviceTier, "service_tier"),
        (.anthropicResponseServiceTier, "anthropic.response.service_tier"),
        (.genAIOpenaiResponseServiceTier, "gen_ai.openai.response.service_tier"),
        (.genAIResponseServiceTier, "gen_ai.response.service_tier"),
        (.openaiResponseServiceTier, "openai.response.service_tier"),
        (.genAIOpenaiRequestServiceTier, "gen_ai.openai.request.service_tier"),
        (.openaiRequestServiceTier, "openai.request.service_tier"),
        (.inferenceGeo, "inference_geo"),
        (.modelReasoningEffort, "model_reasoning_effort"),
        (.inputTokens, "input_tokens"),
        (.inputTokenCount, "input_token_count"),
        (.genAIUsageInputTokens, "gen_ai.usage.input_tokens"),
        (.genAIUsagePromptTokens, "gen_ai.usage.prompt_tokens"),
        (.llmTokenCountPrompt, "llm.token_count.prompt"),
        (.aiUsageInputTokens, "ai.usage.inputTokens"),
        (.aiUsagePromptTokens, "ai.usage.promptTokens"),
        (.aiInputTokens, "ai.input_tokens"),
        (.genAIUsageDetailsInputTokens, "gen_ai.usage.details.input_tokens"),
        (.aiUsageTokens, "ai.usage.tokens"),
        (.genAIAggregatedUsageInputTokens, "gen_ai.aggregated_usage.input_tokens"),
        (.codexTurnTokenUsageInputTokens, "codex.turn.token_usage.input_tokens"),
        (.llmUsagePromptTokens, "llm.usage.prompt_tokens"),
        (.genAIUsageTextInputTokens, "gen_ai.usage.text.input_tokens"),
        (.genAIUsageImageInputTokens, "gen_ai.usage.image.input_tokens"),
        (.genAIUsageVideoInputTokens, "gen_ai.usage.video.input_tokens"),
        (.outputTokens, "output_tokens"),
        (.outputTokenCount, "output_token_count"),
        (.genAIUsageOutputTokens, "gen_ai.usage.output_tokens"),
        (.genAIUsageCompletionTokens, "gen_ai.usage.completion_tokens"),
        (.llmTokenCountCompletion, "llm.token_count.completion"),
        (.aiUsageOutputTokens, "ai.usage.outputTokens"),
        (.aiUsageCompletionTokens, "ai.usage.completionTokens"),
        (.aiOutputTokens, "ai.output_tokens"),
        (.genAIUsageDetailsOutputTokens, "gen_ai.usage.details.output_tokens"),
        (.genAIAggregatedUsageOutputTokens, "gen_ai.aggregated_usage.output_tokens"),
        (.codexTurnTokenUsageOutputTokens, "codex.turn.token_usage.output_tokens"),
        (.llmUsageCompletionTokens, "llm.usage.completion_tokens"),
        (.genAIUsageTextOutputTokens, "gen_ai.usage.text.output_tokens"),
        (.genAIUsageImageOutputTokens, "gen_ai.usage.image.output_tokens"),
        (.genAIUsageAudioOutputTokens, "gen_ai.usage.audio.output_tokens"),
        (.genAIUsageVideoOutputTokens, "gen_ai.usage.video.output_tokens"),
        (.cacheReadTokens, "cache_read_tokens"),
        (.cachedTokenCount, "cached_token_count"),
        (.cachedContentTokenCount, "cached_content_token_count"),
        (.genAIUsageCacheReadInputTokens, "gen_ai.usage.cache_read.input_tokens"),
        (.genAIUsageCacheReadInputTokensFlat, "gen_ai.usage.cache_read_input_tokens"),
        (.genAIUsageCacheReadTokens, "gen_ai.usage.cache_read_tokens"),
        (.genAIUsageDetailsCacheReadInputTokens, "gen_ai.usage.details.cache_read_input_tokens"),
        (.genAIUsageDetailsCacheReadTokens, "gen_ai.usage.details.cache_read_tokens"),
        (.genAIUsageDetailsCachedTokens, "gen_ai.usage.details.cached_tokens"),
        (.genAIUsageInputCachedTokens, "gen_ai.usage.input_cached_tokens"),
        (.genAIUsageInputTokensCached, "gen_ai.usage.input_tokens.cached"),
        (.genAIUsageCachedTokens, "gen_ai.usage.cached_tokens"),
        (.llmTokenCountPromptDetailsCacheRead, "llm.token_count.prompt_details.cache_read"),
        (.aiUsageCachedInputTokens, "ai.usage.cachedInputTokens"),
        (.genAIAggregatedUsageCacheReadInputTokens, "gen_ai.aggregated_usage.cache_read.input_tokens"),
        (.codexTurnTokenUsageCachedInputTokens, "codex.turn.token_usage.cached_input_tokens"),
        (.genAIUsageCachedInputTokens, "gen_ai.usage.cached_input_tokens"),
        (.genAIUsagePromptTokensDetailsCachedTokens, "gen_ai.usage.prompt_tokens_details.cached_tokens"),
        (.genAIUsageInputTokensDetailsCachedTokens, "gen_ai.usage.input_tokens_details.cached_tokens"),
        (.genAIUsageDetailsCachedContentTokens, "gen_ai.usage.details.cached_content_tokens"),
        (.genAIUsageTextCacheReadInputTokens, "gen_ai.usage.text.cache_read.input_tokens"),
        (.genAIUsageImageCacheReadInputTokens, "gen_ai.usage.image.cache_read.input_tokens"),
        (.genAIUsageAudioCacheReadInputTokens, "gen_ai.usage.audio.cache_read.input_tokens"),
        (.genAIUsageVideoCacheReadInputTokens, "gen_ai.usage.video.cache_read.input_tokens"),
        (.cacheCreationTokens, "cache_creation_tokens"),
        (.cacheWriteTokenCount, "cache_write_token_count"),
        (.genAIUsageCacheWriteInputTokens, "gen_ai.usage.cache_write.input_tokens"),
        (.genAIUsageCacheCreationInputTokens, "gen_ai.usage.cache_creation.input_tokens"),
        (.genAIUsageCacheCreationInputTokensFlat, "gen_ai.usage.cache_creation_input_tokens"),
        (.genAIUsageCacheWriteTokens, "gen_ai.usage.cache_write_tokens"),
        (.genAIUsageDetailsCacheCreationInputTokens, "gen_ai.usage.details.cache_creation_input_tokens"),
        (.genAIUsageDetailsCacheWriteTokens, "gen_ai.usage.details.cache_write_tokens"),
        (.genAIUsageInputTokensCacheWrite, "gen_ai.usage.input_tokens.cache_write"),
        (.llmTokenCountPromptDetailsCacheWrite, "llm.token_count.prompt_details.cache_write"),
        (.genAIAggregatedUsageCacheCreationInputTokens, "gen_ai.aggregated_usage.cache_creation.input_tokens"),
        (.codexTurnTokenUsageCacheWriteInputTokens, "codex.turn.token_usage.cache_write_input_tokens"),
        (.cacheCreation5mTokens, "cache_creation_5m_tokens"),
        (.cacheCreation1hTokens, "cache_creation_1h_tokens"),
        (
            .anthropicUsageCacheCreationEphemeral5mInputTokens,
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens"
        ),
        (
            .anthropicUsageCacheCreationEphemeral1hInputTokens,
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens"
        ),
        (.genAIUsageDetailsEphemeral5mInputTokens, "gen_ai.usage.details.ephemeral_5m_input_tokens"),
        (.genAIUsageDetailsEphemeral1hInputTokens, "gen_ai.usage.details.ephemeral_1h_input_tokens"),
        (.genAIUsageCacheWriteInputTokensFlat, "gen_ai.usage.cache_write_input_tokens"),
        (.reasoningTokenCount, "reasoning_token_count"),
        (.thoughtsTokenCount, "thoughts_token_count"),
        (.genAIUsageReasoningOutputTokens, "gen_ai.usage.reasoning.output_tokens"),
        (.codexUsageReasoningOutputTokens, "codex.usage.reasoning_output_tokens"),
        (.genAIUsageReasoningTokens, "gen_ai.usage.reasoning_tokens"),
        (.genAIUsageDetailsReasoningTokens, "gen_ai.usage.details.reasoning_tokens"),
        (.llmUsageReasoningTokens, "llm.usage.reasoning_tokens"),
        (.genAIUsageOutputTokensReasoning, "gen_ai.usage.output_tokens.reasoning"),
        (.llmTokenCountCompletionDetailsReasoning, "llm.token_count.completion_details.reasoning"),
        (.aiUsageReasoningTokens, "ai.usage.reasoningTokens"),
        (.codexTurnTokenUsageReasoningOutputTokens, "codex.turn.token_usage.reasoning_output_tokens"),
        (.genAIUsageThinkingTokens, "gen_ai.usage.thinking_tokens"),
        (.genAIUsageReasoningOutputTokensFlat, "gen_ai.usage.reasoning_output_tokens"),
        (.genAIUsageDetailsThoughtsTokens, "gen_ai.usage.details.thoughts_tokens"),
        (.genAIUsageCompletionTokensDetailsReasoningTokens, "gen_ai.usage.completion_tokens_details.reasoning_tokens"),
        (.genAIUsageOutputTokensDetailsReasoningTokens, "gen_ai.usage.output_tokens_details.reasoning_tokens"),
        (.totalTokenCount, "total_token_count"),
        (.totalTokens, "total_tokens"),
        (.toolTokenCount, "tool_token_count"),
        (.genAIUsageTotalTokens, "gen_ai.usage.total_tokens"),
        (.llmUsageTotalTokens, "llm.usage.total_tokens"),
        (.llmTokenCountTotal, "llm.token_count.total"),
        (.aiUsageTotalTokens, "ai.usage.totalTokens"),
        (.codexUsageTotalTokens, "codex.usage.total_tokens"),
        (.codexTurnTokenUsageTotalTokens, "codex.turn.token_usage.total_tokens"),
        (.genAITokenType, "gen_ai.token.type"),
        (.type, "type"),
        (.tokenType, "token_type"),
        (.langfuseObservationUsageDetails, "langfuse.observation.usage_details"),
        (.aiResponseProviderMetadata, "ai.response.providerMetadata"),
        (.genAIUsageAudioInputTokens, "gen_ai.usage.audio.input_tokens"),
        (.llmTokenCountPromptDetailsAudio, "llm.token_count.prompt_details.audio"),
        (.mlflowChatTokenUsage, "mlflow.chat.tokenUsage"),
        (.metadataUsageObject, "metadata.usage_object"),
        (.langsmithMetadataUsageMetadata, "langsmith.metadata.usage_metadata"),
        (.genAIUsageRaw, "gen_ai.usage.raw"),
        (.costUSD, "cost_usd"),
        (.costUSDMicros, "cost_usd_micros"),
        (.litellmCostTotal, "litellm.cost.total"),
        (.genAIUsageCost, "gen_ai.usage.cost"),
        (.operationCost, "operation.cost"),
        (.llmCostTotal, "llm.cost.total"),
        (.genAICostTotalCost, "gen_ai.cost.total_cost"),
        (.aiCostUSD, "ai.cost_usd"),
        (.aiCostEstimated, "ai.cost_estimated"),
        (.langfuseObservationCostDetails, "langfuse.observation.cost_details"),
        (.langfuseObservationCostDetailsTotal, "langfuse.observation.cost_details.total"),
        (.durationMs, "duration_ms"),
        (.ttftMs, "ttft_ms"),
        (.aiResponseMsToFinish, "ai.response.msToFinish"),
        (.attempt, "attempt"),
        (.userEmail, "user.email"),
        (.userAccountUUID, "user.account_uuid"),
        (.userAccountID, "user.account_id"),
        (.userID, "user.id"),
        (.userName, "user.name"),
        (.userGroups, "user.groups"),
        (.langfuseUserID, "langfuse.user.id"),
        (.enduserID, "enduser.id"),
        (.litellmEndUserID, "litellm.end_user.id"),
        (.litellmTeamID, "litellm.team.id"),
        (.litellmTeamAlias, "litellm.team.alias"),
        (.aiTelemetryMetadataUserID, "ai.telemetry.metadata.userId"),
        (.organizationID, "organization.id"),
        (.teamID, "team.id"),
        (.teamName, "team.name"),
        (.team, "team"),
        (.traceloopAssociationPropertiesUserID, "traceloop.association.properties.user_id"),
        (.lmnrAssociationPropertiesUserID, "lmnr.association.properties.user_id"),
        (.langsmithMetadataUserID, "langsmith.metadata.user_id"),
        (.llmUser, "llm.user"),
        (.mlflowTraceUser, "mlflow.trace.user"),
        (.projectName, "project.name"),
        (.project, "project"),
        (.vcsRepositoryName, "vcs.repository.name"),
        (.vcsRepositoryURLFull, "vcs.repository.url.full"),
        (.vcsRefHeadName, "vcs.ref.head.name"),
        (.aiProject, "ai.project"),
        (.workspaceHostPaths, "workspace.host_paths"),
        (.traceloopAssociationPropertiesProject, "traceloop.association.properties.project"),
        (.cwd, "cwd"),
        (.gitBranch, "git.branch"),
        (.gitRepositoryURL, "git.repository_url"),
        (.toolNameFlat, "tool_name"),
        (.functionName, "function_name"),
        (.genAIToolName, "gen_ai.tool.name"),
        (.toolName, "tool.name"),
        (.aiToolCallName, "ai.toolCall.name"),
        (.toolUseID, "tool_use_id"),
        (.callID, "call_id"),
        (.genAIToolCallID, "gen_ai.tool.call.id"),
        (.aiToolCallID, "ai.toolCall.id"),
        (.decision, "decision"),
        (.source, "source"),
        (.mcpServerName, "mcp_server.name"),
        (.mcpToolName, "mcp_tool.name"),
        (.skillName, "skill.name"),
        (.pluginName, "plugin.name"),
        (.errorType, "error.type"),
        (.errorTypeFlat, "error_type"),
        (.error, "error"),
        (.errorMessage, "error.message"),
        (.exceptionType, "exception.type"),
        (.exceptionMessage, "exception.message"),
        (.httpResponseStatusCode, "http.response.status_code"),
        (.statusCode, "status_code"),
        (.success, "success"),
        (.genAIResponseFinishReasons, "gen_ai.response.finish_reasons"),
        (.finishReasons, "finish_reasons"),
        (.stopReason, "stop_reason"),
        (.litellmCacheHit, "litellm.cache_hit"),
    ]
}
