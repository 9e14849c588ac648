// SPDX-License-Identifier: Apache-2.0

/// The attributes in which known programs and conventions put prompts, answers, and the input and output of tools.
enum MessageContent {
    /// Attributes, by name or prefix.
    static let attributes: [String] =
        genAI + openInference + agents + vercel + [
            // Pydantic AI and Logfire.
            "all_messages", "all_messages_events", "pydantic_ai.all_messages", "events", "final_result",
            "model_request_parameters", "tool_arguments", "tool_response", "request_data", "response_data",
            // Langfuse, LangSmith, MLflow, LiteLLM.
            "langfuse.observation.input", "langfuse.observation.output", "langfuse.trace.input",
            "langfuse.trace.output",
            "langsmith.span.inputs", "langsmith.span.outputs", "mlflow.spanInputs", "mlflow.spanOutputs",
            "litellm.request.messages", "litellm.response.content", "messages",
            // OpenTelemetry's exception attributes: their text may repeat any argument.
            "exception.message", "exception.stacktrace", "error.stack", "error.stack_trace",
        ]

    /// Attributes of this program's own receivers for sessions and calls: names and ids that reports show.
    static let ownAttributes = [
        "hammurabi.session.name", "hammurabi.session.parent", "hammurabi.task", "hammurabi.status",
        "hammurabi.project.path", "hammurabi.event.id", "hammurabi.lineage", "hammurabi.lineage.own",
        "hammurabi.call.key", "hammurabi.sum", "hammurabi.parts", "hammurabi.limit.name", "hammurabi.limit.plan",
        "hammurabi.limit.account",
    ]

    /// OpenTelemetry's conventions old and new, OpenLLMetry, Sentry.
    private static let genAI = [
        "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.system.message",
        "gen_ai.prompt", "gen_ai.prompt.*", "gen_ai.completion", "gen_ai.completion.*", "gen_ai.content.*",
        "gen_ai.event.content", "gen_ai.request.messages", "gen_ai.response.text", "gen_ai.response.tool_calls",
        "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.tool.input", "gen_ai.tool.output",
        "gen_ai.tool.message", "gen_ai.tool.definitions", "gen_ai.request.available_tools",
        "gen_ai.retrieval.documents", "gen_ai.retrieval.query.text", "gen_ai.evaluation.explanation",
        "llm.prompts", "llm.prompts.*", "llm.completions", "llm.completions.*", "llm.request.functions.*",
        "traceloop.entity.input", "traceloop.entity.output", "traceloop.prompt.*",
    ]

    private static let openInference = [
        "input.value", "output.value", "input.images.*", "output.images.*", "llm.input_messages",
        "llm.input_messages.*", "llm.output_messages", "llm.output_messages.*", "llm.prompt_template.*",
        "llm.function_call", "llm.tools", "llm.tools.*", "llm.invocation_parameters", "message.*", "embedding.text",
        "embedding.vector", "embedding.embeddings", "embedding.embeddings.*", "document.content",
        "retrieval.documents",
        "retrieval.documents.*", "reranker.*", "tool.parameters", "tool.json_schema", "tool_call.function.arguments",
    ]

    /// Claude Code, Codex, Gemini CLI and Qwen Code.
    private static let agents = [
        "prompt", "prompt_text", "user_prompt", "system_prompt", "user_system_prompt", "new_context", "response",
        "response_text", "thinking", "tool_input", "tool_parameters", "tool_output", "tool_result", "full_command",
        "body", "request_body", "response_body", "arguments", "output", "call", "item", "sub", "request_text",
        "function_args", "function_response", "content", "content.*",
    ]

    private static let vercel = [
        "ai.prompt", "ai.prompt.*", "ai.response.text", "ai.response.toolCalls", "ai.response.object",
        "ai.response.reasoning", "ai.response.files", "ai.result.*", "ai.toolCall.args", "ai.toolCall.result",
        "ai.value", "ai.values", "ai.embedding", "ai.embeddings", "ai.schema", "ai.tools",
    ]

    /// Span events that are messages, by name or prefix.
    static let spanEvents = [
        "gen_ai.content.*", "gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message",
        "gen_ai.tool.message", "gen_ai.choice", "gen_ai.client.inference.operation.details",
        "gen_ai.evaluation.result",
    ]

    /// Members of a body that is a message.
    static let bodyMembers = [
        "content", "messages", "parts", "tool_calls", "prompt", "completion", "choices", "gen_ai.input.messages",
        "gen_ai.output.messages",
    ]
}
