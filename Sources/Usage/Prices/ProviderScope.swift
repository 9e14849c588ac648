// SPDX-License-Identifier: Apache-2.0

/// Which price lists belong to a provider, and whose models a name belongs to.
enum ProviderScope {
    /// The price lists to search for a provider as OpenTelemetry, LiteLLM or an agent names it, best first.
    static func scopes(of provider: String) -> [String] {
        let name = provider.lowercased().map { $0 == "." || $0 == "-" || $0 == " " ? "_" : $0 }
        let normal = String(name)
        return spellings[normal] ?? [normal]
    }

    /// Whether the provider runs models on the user's own machine, which no price list covers.
    static func isLocal(_ provider: String) -> Bool {
        scopes(of: provider).contains { local.contains($0) }
    }

    /// The price lists of the vendor who makes a model, known from the beginning of its name; empty when the vendor is
    /// not known.
    static func firstParty(of model: String) -> [String] {
        families.first { model.hasPrefix($0.prefix) }?.scopes ?? []
    }

    /// The price list to which a row of LiteLLM's file belongs; its provider names also say the kind of model.
    static func scope(ofLiteLLM provider: String) -> String {
        let name = provider.lowercased()
        for family in ["vertex_ai-", "fireworks_ai-"] where name.hasPrefix(family) { return String(family.dropLast()) }
        let kinds = [
            "bedrock_converse": "bedrock", "cohere_chat": "cohere", "text-completion-openai": "openai",
            "azure_text": "azure",
            "text-completion-inception": "inception",
        ]
        return kinds[name] ?? name
    }

    /// Names that differ from the scope they mean, with dots and dashes as underscores.
    private static let spellings: [String: [String]] = [
        "alibaba": ["dashscope"], "alibaba_cloud": ["dashscope"], "qwen": ["dashscope"],
        "amazon_bedrock": ["bedrock"], "aws_bedrock": ["bedrock"], "bedrock_converse": ["bedrock"], "aws": ["bedrock"],
        "az_ai_inference": ["azure_ai", "azure"], "azure_ai_inference": ["azure_ai", "azure"],
        "azure_ai": ["azure_ai", "azure"],
        "az_ai_openai": ["azure", "azure_ai"], "azure_ai_openai": ["azure", "azure_ai"],
        "azure_openai": ["azure", "azure_ai"],
        "azure": ["azure", "azure_ai"],
        "chatgpt": ["openai"], "codex": ["openai"], "openai_responses": ["openai"],
        "openai_chat": ["openai"],
        "claude": ["anthropic"],
        "copilot": ["github_copilot"],
        "fireworks": ["fireworks_ai"], "together": ["together_ai"], "vercel": ["vercel_ai_gateway"],
        "gcp_gemini": ["gemini"], "gcp_gen_ai": ["gemini"], "gemini_api": ["gemini"], "google": ["gemini"],
        "google_ai_studio": ["gemini"], "google_genai": ["gemini"], "models": ["gemini"],
        "gcp_vertex_ai": ["vertex_ai"], "google_vertex": ["vertex_ai"], "google_vertex_anthropic": ["vertex_ai"],
        "vertex": ["vertex_ai"], "vertexai": ["vertex_ai"], "gcp": ["vertex_ai"],
        "vertex_ai_beta": ["vertex_ai"], "anthropic_vertex": ["vertex_ai"],
        "nvidia": ["nvidia_nim", "nvidia"],
        "ibm_watsonx_ai": ["watsonx"],
        "mistral_ai": ["mistral"], "mistralai": ["mistral"],
        "moonshot_ai": ["moonshot"], "moonshotai": ["moonshot"], "kimi": ["moonshot"],
        "grok": ["xai"], "x_ai": ["xai"],
        "z_ai": ["zai"], "zai_org": ["zai"], "zhipu": ["zai"], "zhipuai": ["zai"],
        "lm_studio": ["lmstudio"], "llama_cpp": ["llamacpp"], "ollama_chat": ["ollama"],
    ]

    private static let local: Set<String> = ["llamacpp", "llamafile", "lmstudio", "localai", "ollama"]

    /// The first names are tried first; a vendor's own list comes before its cloud's.
    private static let families: [(prefix: String, scopes: [String])] = [
        ("claude-", ["anthropic"]),
        ("gpt-", ["openai"]), ("chatgpt-", ["openai"]), ("codex-", ["openai"]), ("o1", ["openai"]), ("o3", ["openai"]),
        ("o4", ["openai"]), ("ft:", ["openai"]), ("text-embedding-3", ["openai"]), ("text-embedding-ada", ["openai"]),
        ("computer-use-", ["openai"]), ("davinci-", ["openai"]), ("babbage-", ["openai"]),
        ("gemini-", ["gemini", "vertex_ai"]), ("deep-research-", ["gemini", "vertex_ai"]),
        ("grok-", ["xai"]),
        ("deepseek-", ["deepseek"]),
        ("mistral-", ["mistral"]), ("ministral-", ["mistral"]), ("codestral-", ["mistral"]), ("devstral-", ["mistral"]),
        ("magistral-", ["mistral"]), ("pixtral-", ["mistral"]), ("voxtral-", ["mistral"]),
        ("open-mistral-", ["mistral"]),
        ("kimi-", ["moonshot"]), ("moonshot-", ["moonshot"]),
        ("glm-", ["zai"]),
        ("qwen", ["dashscope"]), ("qwq-", ["dashscope"]),
        ("minimax-", ["minimax"]),
        ("command-", ["cohere"]), ("embed-", ["cohere"]),
        ("nova-", ["amazon_nova"]), ("muse-", ["meta"]), ("mercury-", ["inception"]), ("mimo-", ["xiaomi_mimo"]),
        ("sonar", ["perplexity"]), ("swe-", ["cognition"]), ("v0-", ["v0"]), ("voyage-", ["voyage"]),
        ("jamba-", ["ai21"]),
    ]
}
