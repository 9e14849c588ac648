// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import TokensProcessor
import Usage

/// Usage of libraries that write it as one text, or under names of their own; forms and figures are those of requests that genuine
/// clients sent.
struct LibraryUsageTests {
    @Test(arguments: langfuse)
    func `Langfuse's usage details are OpenAI's own object or disjoint parts`(details: String, counts: String) throws {
        let found = try spanObservation([
            "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4.1-2025-04-14",
            "langfuse.observation.usage_details": .string(details), "session.id": "lf-1", "user.id": "u-3",
        ])
        #expect(found?.counts.text == counts)
        #expect([found?.model, found?.session, found?.user] == ["gpt-4.1-2025-04-14", "lf-1", "u-3"])
    }

    private static let langfuse = [
        (
            """
            {"completion_tokens": 320, "prompt_tokens": 2612, "total_tokens": 2932, "prompt_tokens_details": {"audio_tokens": 0,
            "cached_tokens": 1000}, "completion_tokens_details": {"reasoning_tokens": 20}}
            """, "1612/1000/0+0/320/20"
        ),
        (
            """
            {"input_tokens": 473, "input_tokens_details": {"cached_tokens": 73}, "output_tokens": 59,
            "output_tokens_details": {"reasoning_tokens": 9}, "total_tokens": 532}
            """, "400/73/0+0/59/9"
        ),
        (
            #"{"input": 1612, "input_cache_read": 1000, "output": 300, "output_reasoning": 20, "total": 2932}"#,
            "1612/1000/0+0/320/20"
        ),
        (#"{"input":3,"input_cache_creation":5,"input_audio":4,"output":2,"output_audio":1}"#, "7/0/5+0/3/0"),
        (
            #"{"input":3,"input_ephemeral_5m_input_tokens":5,"input_ephemeral_1h_input_tokens":4,"output":2}"#,
            "3/0/5+4/2/0"
        ),
        (#"{"input": 31}"#, "31/0/0+0/0/0"),
        // Langfuse's documentation has Anthropic's names for cached tokens beside its own parts.
        (
            #"{"input":10,"output":300,"cache_read_input_tokens":1000,"cache_creation_input_tokens":500}"#,
            "10/1000/500+0/300/0"
        ),
        (
            #"{"input":1510,"output":300,"cache_read_input_tokens":1000,"cache_creation_input_tokens":500,"total":1810}"#,
            "10/1000/500+0/300/0"
        ),
        // Anthropic's own object excludes cached tokens from the input.
        (#"{"input_tokens":100,"output_tokens":7,"cache_read_input_tokens":90}"#, "100/90/0+0/7/0"),
    ]

    @Test func `an embedding of Langfuse is a call, and costs in its details are what it reports`() throws {
        let embedding = try spanObservation([
            "langfuse.observation.type": "embedding", "langfuse.observation.usage_details": #"{"input": 31}"#,
            "langfuse.observation.cost_details": #"{"input": 0.0002, "output": 0, "total": 0.0002}"#,
        ])
        #expect(embedding?.counts.uncachedInput == 31)
        #expect(embedding?.reportedCost?.nanodollars == 200_000)
        // A request that failed has no usage and a cost of zero.
        let failed = try spanObservation([
            "langfuse.observation.type": "generation",
            "langfuse.observation.cost_details": #"{"input": 0, "output": 0, "total": 0}"#,
        ])
        #expect(failed == nil)
    }

    @Test(arguments: mlflow)
    func `MLflow's token usage contains cached tokens, and its texts are JSON`(usage: String, counts: String) throws {
        let found = try spanObservation([
            "mlflow.spanType": #""CHAT_MODEL""#, "model": #""gpt-5.1""#, "mlflow.llm.model": #""gpt-5.1""#,
            "mlflow.chat.tokenUsage": .string(usage),
        ])
        #expect(found?.counts.text == counts)
        #expect(found?.model == "gpt-5.1")
    }

    private static let mlflow = [
        (
            #"{"input_tokens": 14572, "output_tokens": 783, "total_tokens": 15355, "cache_read_input_tokens": 13589}"#,
            "983/13589/0+0/783/0"
        ),
        (
            """
            {"input_tokens": 15744, "output_tokens": 847, "total_tokens": 16591, "cache_read_input_tokens": 12271,
            "cache_creation_input_tokens": 3448, "cache_creation_input_tokens_above_1hr": 48}
            """, "25/12271/3400+48/847/0"
        ),
    ]

    @Test func `cached tokens of LiteLLM are in the text of a Python dictionary, beside its exact cost`() throws {
        let found = try #require(
            try spanObservation([
                "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 15_159,
                "gen_ai.usage.output_tokens": 380, "gen_ai.usage.total_tokens": 15_539,
                "gen_ai.cost.total_cost": 0.0033245, "llm.user": "u-9",
                "metadata.usage_object": """
                {'completion_tokens': 380, 'prompt_tokens': 15159, 'total_tokens': 15539, 'completion_tokens_details': \
                {'reasoning_tokens': 23}, 'prompt_tokens_details': {'audio_tokens': 0, 'cached_tokens': 11157, \
                'text_tokens': None}, 'is_cached': True, 'note': 'a "quoted" word'}
                """,
            ])
        )
        #expect(found.counts.text == "4002/11157/0+0/380/23")
        #expect(found.reportedCost?.nanodollars == 3_324_500)
        #expect(found.user == "u-9")
        let anthropic = try spanObservation([
            "gen_ai.usage.input_tokens": 4_501, "gen_ai.usage.output_tokens": 217,
            "metadata.usage_object": """
            {'completion_tokens': 217, 'prompt_tokens': 4501, 'prompt_tokens_details': {'cached_tokens': 0, \
            'cache_creation_tokens': 4478, 'cache_creation_token_details': {'ephemeral_5m_input_tokens': 4470, \
            'ephemeral_1h_input_tokens': 8}}, 'cache_creation_input_tokens': 4478, 'cache_read_input_tokens': 0}
            """,
        ])
        #expect(anthropic?.counts.text == "23/0/4470+8/217/0")
    }

    @Test func `cached tokens of LangSmith are in its usage metadata, the session in its metadata`() throws {
        let found = try spanObservation([
            "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 3_888, "gen_ai.usage.output_tokens": 279,
            "gen_ai.usage.total_tokens": 4_167, "langsmith.span.kind": "llm", "langsmith.metadata.session_id": "lc-9",
            "langsmith.metadata.thread_id": "lc-thread-7", "langsmith.metadata.user_id": "u-1",
            "langsmith.metadata.usage_metadata": """
            {"input_tokens": 3888, "output_tokens": 279, "total_tokens": 4167, "input_token_details": {"audio": 0,
            "cache_read": 3000}, "output_token_details": {"reasoning": 12}}
            """,
        ])
        #expect(found?.counts.text == "888/3000/0+0/279/12")
        #expect([found?.session, found?.user] == ["lc-9", "u-1"])
    }

    @Test(arguments: raw)
    func `the provider's raw usage is read as the provider means it`(raw: String, counts: String) throws {
        #expect(
            try spanObservation(["gen_ai.operation.name": "chat", "gen_ai.usage.raw": .string(raw)])?.counts.text
                == counts
        )
    }

    private static let raw = [
        (#"{"input_tokens":10,"cache_read_input_tokens":4,"output_tokens":3}"#, "10/4/0+0/3/0"),
        (#"{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}"#, "6/4/0+0/3/0"),
        (
            #"{"promptTokenCount":10,"candidatesTokenCount":3,"thoughtsTokenCount":2,"cachedContentTokenCount":4}"#,
            "6/4/0+0/5/2"
        ),
    ]

    @Test(arguments: [
        "", "{}", "[1]", "{", #"{"input_tokens": "many"}"#, #"{"input_tokens": -4}"#, #"{"input_tokens": 1e300}"#,
        "null",
        String(repeating: #"{"a":"#, count: 200),
        #"{"input_tokens": 4, "x": ""# + String(repeating: "x", count: 70_000) + #""}"#,
    ])
    func `a usage text that is broken, too deep or too long is no call`(text: String) throws {
        #expect(try spanObservation(["mlflow.spanType": "LLM", "mlflow.chat.tokenUsage": .string(text)]) == nil)
        #expect(try spanObservation(["metadata.usage_object": .string(text)]) == nil)
    }

    @Test(arguments: names)
    func `names that other clients give to figures`(attributes: Attributes, counts: String) throws {
        #expect(try spanObservation(attributes)?.counts.text == counts)
    }

    private static let names: [(Attributes, String)] = [
        (["gen_ai.usage.input_tokens": 10, "gen_ai.usage.cached_input_tokens": 4], "6/4/0+0/0/0"),
        (["gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_write_input_tokens": 4], "6/0/4+0/0/0"),
        (["gen_ai.usage.input_tokens": 10, "gen_ai.usage.prompt_tokens_details.cached_tokens": 4], "6/4/0+0/0/0"),
        (["gen_ai.usage.output_tokens": 10, "gen_ai.usage.thinking_tokens": 4], "0/0/0+0/10/4"),
        (["gen_ai.usage.output_tokens": 10, "gen_ai.usage.reasoning_output_tokens": 4], "0/0/0+0/10/4"),
        (["gen_ai.usage.output_tokens": 10, "gen_ai.usage.details.thoughts_tokens": 4], "0/0/0+0/10/4"),
        (["llm.usage.prompt_tokens": 10, "llm.usage.completion_tokens": 3], "10/0/0+0/3/0"),
        // Figures by modality are added when there is no total, and are parts of it otherwise.
        (
            [
                "gen_ai.usage.text.input_tokens": 10, "gen_ai.usage.image.input_tokens": 5,
                "gen_ai.usage.audio.output_tokens": 2, "gen_ai.usage.text.output_tokens": 1,
                "gen_ai.usage.text.cache_read.input_tokens": 4, "gen_ai.usage.audio.cache_read.input_tokens": 1,
            ], "10/5/0+0/3/0"
        ),
        (
            [
                "gen_ai.usage.input_tokens": 20, "gen_ai.usage.text.input_tokens": 10,
                "gen_ai.usage.cache_read.input_tokens": 4, "gen_ai.usage.text.cache_read.input_tokens": 3,
            ], "16/4/0+0/0/0"
        ),
    ]

    @Test func `modalities beyond belief are no call`() throws {
        let found = try spanObservation([
            "gen_ai.usage.text.input_tokens": 9_223_372_036_854_775_807,
            "gen_ai.usage.image.input_tokens": 9_223_372_036_854_775_807,
        ])
        #expect(found == nil)
    }

    @Test func `whether input contains cached tokens belongs to the attribute, not to the agent`() throws {
        // Claude Code 2.1.332 writes both names; without the bare ones, the others include cached tokens.
        func counts(_ attributes: Attributes) throws -> String? {
            try spanObservation(attributes, name: "claude_code.llm_request", resource: ["service.name": "claude-code"])?
                .counts.text
        }
        #expect(
            try counts([
                "input_tokens": 203, "cache_read_tokens": 1_200, "gen_ai.usage.input_tokens": 1_403,
                "gen_ai.usage.cache_read.input_tokens": 1_200, "output_tokens": 5,
            ]) == "203/1200/0+0/5/0"
        )
        #expect(
            try counts([
                "gen_ai.usage.input_tokens": 1_403, "gen_ai.usage.cache_read.input_tokens": 1_200,
                "gen_ai.usage.output_tokens": 5,
            ]) == "203/1200/0+0/5/0"
        )
        #expect(try counts(["input_tokens": 2_000, "cache_read_tokens": 1_200]) == "2000/1200/0+0/0/0")
    }

    @Test(arguments: ["opentelemetry.instrumentation.ag2", "openinference.instrumentation.agno"])
    func `AG2 and Agno leave cached tokens out of Anthropic's input and not out of OpenAI's`(scope: String) throws {
        func counts(_ provider: String, scope: String) throws -> String? {
            try spanObservation(
                [
                    "gen_ai.operation.name": "chat", "gen_ai.provider.name": .string(provider),
                    "gen_ai.usage.input_tokens": 5_000, "gen_ai.usage.output_tokens": 9,
                    "gen_ai.usage.cache_read_input_tokens": 1_500,
                ],
                scope: scope
            )?.counts.text
        }
        #expect(try counts("anthropic", scope: scope) == "5000/1500/0+0/9/0")
        #expect(try counts("Anthropic", scope: scope) == "5000/1500/0+0/9/0")
        #expect(try counts("openai", scope: scope) == "3500/1500/0+0/9/0")
        #expect(try counts("anthropic", scope: "lmnr.tracer") == "3500/1500/0+0/9/0")
    }

    @Test(arguments: [
        ("model_call", 1), ("subtask", 1), ("compaction", 2), ("aggregation", 2), ("live", 2),
    ])
    func `AG2's spans of usage repeat chat spans, but for kinds that nothing else reports`(kind: String, calls: Int)
        throws
    {
        let (chat, usage) = Self.ag2(kind)
        for batches in [[[chat, usage]], [[usage, chat]], [[chat], [usage]], [[usage], [chat]]] {
            #expect(try Self.ag2Calls(batches) == calls)
        }
    }

    @Test func `without a chat span beside it AG2's span of usage is the call`() throws {
        let (chat, usage) = Self.ag2("model_call")
        #expect(try Self.ag2Calls([[usage]]) == 1)
        var other = chat
        other.attributes = ["gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5]
        #expect(try Self.ag2Calls([[other, usage]]) == 2)
        other = chat
        other.trace = "00000000000000000000000000000008"
        #expect(try Self.ag2Calls([[other], [usage]]) == 2)
    }

    private static func ag2Calls(_ batches: [[Record]]) throws -> Int {
        let processor = try makeProcessor()
        var ledger = MemoryLedger()
        for records in batches {
            var batch = Batch(try spans(records, scope: "opentelemetry.instrumentation.ag2"), receivedAt: arrival)
            try processor.process(&batch)
            try ledger.absorb(batch.observations)
        }
        return ledger.calls.count(where: \.isCounted)
    }

    private static func ag2(_ kind: String) -> (chat: Record, usage: Record) {
        let chat = Record(
            span: 2,
            parent: 1,
            ["gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 13_516, "gen_ai.usage.output_tokens": 432]
        )
        let usage = Record(
            span: 3,
            parent: 1,
            name: "record_usage " + kind,
            ["ag2.usage.kind": .string(kind), "gen_ai.usage.input_tokens": 13_516, "gen_ai.usage.output_tokens": 432]
        )
        return (chat, usage)
    }

    @Test(arguments: [
        ("OpenAI", "openai"), ("openai", "openai"), ("MistralAI", "mistral_ai"), ("mistral_ai", "mistral_ai"),
        ("aws", "aws.bedrock"), ("aws.bedrock", "aws.bedrock"), ("gemini", "gcp.gemini"), ("google", "gcp.gemini"),
        ("gcp.gemini", "gcp.gemini"), ("xai", "x_ai"), ("My Own-Gateway", "my_own_gateway"),
        ("my-gateway", "my_gateway"),
        ("Ollama", "ollama"), ("OpenRouter", "openrouter"), ("Together", "together_ai"), ("fireworks-ai", "fireworks"),
        ("openai_chat", "openai"), ("vertex_ai_beta", "gcp.vertex_ai"), ("vertex_ai", "gcp.vertex_ai"),
        ("anthropic_vertex", "gcp.vertex_ai"), ("nvidia_nim", "nvidia"), ("NVIDIA", "nvidia"),
        ("HuggingFace", "huggingface"), ("Replicate", "replicate"), ("Groq", "groq"), ("Cohere", "cohere"),
    ])
    func `one provider has one name`(sent: String, name: String) throws {
        #expect(try spanObservation(["gen_ai.provider.name": .string(sent), "input_tokens": 1])?.provider == name)
    }

    @Test func `LangSmith's name of the model`() throws {
        let found = try spanObservation([
            "langsmith.span.kind": "LLM", "langsmith.metadata.ls_model_name": "gpt-4o",
            "langsmith.metadata.usage_metadata": #"{"input_tokens":3,"output_tokens":1}"#,
        ])
        #expect(found?.model == "gpt-4o")
    }

    @Test func `OpenLLMetry's first names of model and provider`() throws {
        let found = try spanObservation([
            "llm.vendor": "OpenAI", "llm.request.model": "gpt-4.1", "llm.usage.prompt_tokens": 3,
        ])
        #expect(found?.provider == "openai")
        #expect(found?.model == "gpt-4.1")
    }

    @Test func `the name of a framework is no provider`() throws {
        #expect(try spanObservation(["gen_ai.system": "strands-agents", "input_tokens": 1])?.provider == nil)
        let both = try spanObservation([
            "gen_ai.provider.name": "langchain", "llm.provider": "anthropic", "input_tokens": 1,
        ])
        #expect(both?.provider == "anthropic")
    }
}
