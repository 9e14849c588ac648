// SPDX-License-Identifier: Apache-2.0

/// Maps each provider to one name, in the spelling of OpenTelemetry's `gen_ai.provider.name`.
///
/// Senders write `OpenAI` and `openai`, `MistralAI` and `mistral_ai`, `aws` and `bedrock`, and some write their framework. A name that
/// is not in the table is written in lower case with `_` for spaces and dashes.
enum ProviderName {
    /// The provider's name; nil for the name of a framework, which is not a provider.
    static func canonical(_ sent: String) -> String? {
        if canonicalNames.contains(sent) { return sent }
        let name = sent.lowercased()
        let key = String(name.map { $0 == "." || $0 == "-" || $0 == " " || $0 == "/" ? "_" : $0 })
        if frameworks.contains(key) { return nil }
        return spellings[key] ?? String(name.map { $0 == "-" || $0 == " " ? "_" : $0 })
    }

    private static let frameworks: Set<String> = [
        "strands_agents", "gcp_vertex_agent", "microsoft_agent_framework", "langchain", "langgraph", "llama_index",
        "llamaindex", "crewai", "haystack", "autogen", "semantic_kernel", "pydantic_ai", "openai_agents", "dspy",
        "smolagents", "agno", "ag2",
    ]

    private static let canonicalNames = Set(names.map(\.name))

    private static let spellings: [String: String] = {
        var table: [String: String] = [:]
        for (name, others) in names {
            let own = String(name.map { $0 == "." ? "_" : $0 })
            for spelling in others + [own] { table[spelling] = name }
        }
        return table
    }()

    /// OpenTelemetry's name, and other spellings in lower case with `_` for dots, dashes, slashes and spaces.
    private static let names: [(name: String, others: [String])] = [
        ("anthropic", ["claude"]),
        ("aws.bedrock", ["aws", "bedrock", "amazon_bedrock", "bedrock_converse", "amazon", "aws_bedrock_runtime"]),
        ("azure.ai.inference", ["az_ai_inference", "azure_ai"]),
        ("azure.ai.openai", ["az_ai_openai", "azure", "azure_openai", "azureopenai"]),
        ("cohere", ["cohere_chat", "cohereai"]),
        ("deepseek", ["deepseek_ai"]),
        ("gcp.gemini", ["gemini", "google", "google_genai", "google_ai_studio", "google_generativeai", "gemini_api"]),
        ("gcp.gen_ai", ["gcp_genai"]),
        (
            "gcp.vertex_ai",
            [
                "vertex_ai", "vertexai", "vertex", "google_vertex", "google_vertexai", "google_vertex_ai",
                "vertex_ai_beta", "anthropic_vertex", "vertex_anthropic", "google_vertex_anthropic",
            ]
        ),
        ("fireworks", ["fireworks_ai", "fireworksai"]),
        ("groq", ["groqcloud"]),
        ("huggingface", ["hugging_face", "huggingface_hub", "hf"]),
        ("ibm.watsonx.ai", ["watsonx", "watsonx_ai", "ibm_watsonx"]),
        ("mistral_ai", ["mistral", "mistralai"]),
        ("moonshot_ai", ["moonshot", "moonshotai", "kimi"]),
        ("nvidia", ["nvidia_nim", "nim", "nvidia_ai_endpoints"]),
        ("ollama", ["ollama_chat"]),
        ("openai", ["open_ai", "openai_responses", "openai_chat"]),
        ("openrouter", ["open_router"]),
        ("perplexity", ["perplexity_ai", "perplexityai"]),
        ("replicate", ["replicate_ai"]),
        ("together_ai", ["together", "togetherai"]),
        ("x_ai", ["xai", "grok"]),
    ]
}
