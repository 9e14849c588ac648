// SPDX-License-Identifier: Apache-2.0

import OTLP

/// What may be kept under an attribute key.
enum KeyClass: UInt8, Sendable {
    /// Everything: the user keeps this key.
    case keep
    /// Every single value: labels and ids that name and distinguish calls.
    case label
    /// An id of a request, a version or a provider; a value of another form is replaced by a mark that is equal for equal values.
    case identifier
    /// The name of an agent, a machine or a person; a sentence is replaced by a mark.
    case title
    /// Nothing.
    case drop
    /// A keyed hash of the value.
    case hash
    /// Numbers but no text: the key names a prompt, an answer, an argument or a description.
    case content
    /// Numbers, and texts that are a printed object of numbers.
    case figures
    /// One word; a longer text is an error message and is replaced by a mark, so that the call still counts as failed.
    case error
    /// A name.
    case name
    /// A short name, such as a status.
    case term
    /// A short name: the key is unknown.
    case short
    /// Nothing, because the key itself is a text.
    case text
}

// MARK: - By the words of a key

extension KeyClass {
    /// The class of a key, derived from its words.
    init(ofKey key: ArraySlice<UInt8>) {
        guard !key.isEmpty, TextShape.key.fits(key) else {
            self = key.isEmpty ? .short : .text
            return
        }
        let words = Self.words(of: key)
        let all = Set(words.joined())
        let last = words.last?.last ?? ""
        if Self.isSecret(words) {
            self = .drop
        } else if Self.secretEndings.contains(last) {
            self = .content
        } else if !all.isDisjoint(with: Self.figureWords) {
            self = .figures
        } else if Self.nameWords.contains(last) {
            let isName = all.isDisjoint(with: Self.contentWords)
            self = !isName ? .short : Self.termWords.contains(last) ? .term : .name
        } else if !all.isDisjoint(with: Self.contentWords) || Self.contentEndings.contains(last) {
            self = .content
        } else {
            // Numbered keys are a list: a sentence can arrive as `w1`, `w2` and so on.
            self = last.last?.isNumber == true ? .content : .short
        }
    }

    /// Whether a key names a secret.
    private static func isSecret(_ words: [[String]]) -> Bool {
        let all = words.joined()
        return !secretWords.isDisjoint(with: all)
            || zip(all, all.dropFirst()).contains { secretKinds.contains($0) && ($1 == "key" || $1 == "keys") }
    }

    /// Words of keys that name a secret, wherever they occur.
    private static let secretWords: Set<String> = [
        "password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "credential", "credentials",
        "apikey", "apikeys", "authorization", "bearer", "cookie", "cookies", "privatekey", "accesskey",
    ]

    /// Types of keys that are secrets.
    private static let secretKinds: Set<String> = [
        "api", "private", "access", "signing", "encryption", "ssh", "master", "account",
    ]

    /// Last words of keys whose values may be secrets.
    private static let secretEndings: Set<String> = ["token", "key", "keys", "auth"]

    /// The words of each part of a key, in small letters: `gen_ai.toolCall.id` has the parts gen ai, tool call and id.
    static func words(of key: ArraySlice<UInt8>) -> [[String]] {
        var parts: [[String]] = [[]]
        var word: [UInt8] = []
        var isSmall = false
        func end() {
            guard !word.isEmpty else { return }
            parts[parts.count - 1].append(String(decoding: word, as: UTF8.self))
            word = []
        }
        for byte in key {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
                word.append(byte)
                isSmall = true
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                if isSmall { end() }
                word.append(byte | 0x20)
                isSmall = false
            case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ":"):
                end()
                if parts.last?.isEmpty == false { parts.append([]) }
                isSmall = false
            default:
                end()
                isSmall = false
            }
        }
        end()
        if parts.count > 1, parts.last?.isEmpty == true { parts.removeLast() }
        // `messages.0` is a message.
        while parts.count > 1, parts.last?.allSatisfy({ $0.allSatisfy(\.isNumber) }) == true { parts.removeLast() }
        return parts
    }

    /// Words of keys whose texts may be a printed object of figures.
    private static let figureWords: Set<String> = [
        "usage", "token", "tokens", "cost", "costs", "tokenusage", "usages",
    ]

    /// Last words of keys whose values are names.
    private static let nameWords: Set<String> = [
        "id", "ids", "uuid", "guid", "name", "names", "model", "models", "provider", "vendor", "version", "versions",
        "type", "types", "kind", "kinds", "status", "code", "codes", "unit", "units", "method", "scheme", "protocol",
        "host", "hostname", "port", "address", "region", "zone", "language", "arch", "os", "format", "encoding",
        "level", "severity", "mode", "phase", "stage", "state", "tier", "role", "reason", "reasons", "hash",
        "fingerprint", "digest", "time", "timestamp", "at", "date", "duration", "ms", "seconds", "count", "counts",
        "size", "bytes", "length", "index", "seq", "sequence", "number", "total", "category", "class", "namespace",
        "environment", "env", "service", "system", "platform", "runtime", "module", "function", "operation", "event",
        "scope", "family", "effort", "success", "attempt", "agent", "user", "team", "project", "branch", "node",
        "route", "endpoint", "transport", "currency",
    ]

    /// Those of them whose values are words of a fixed list, times or numbers.
    private static let termWords: Set<String> = [
        "status", "type", "types", "kind", "kinds", "code", "codes", "unit", "units", "method", "scheme", "protocol",
        "language", "arch", "os", "format", "encoding", "level", "severity", "mode", "phase", "stage", "state", "tier",
        "role", "reason", "reasons", "time", "timestamp", "at", "date", "duration", "ms", "seconds", "count", "counts",
        "size", "bytes", "length", "index", "seq", "sequence", "number", "total", "category", "effort", "success",
        "attempt", "currency", "version", "versions", "hash", "fingerprint", "digest",
    ]

    /// Words of keys that hold prompts, answers, arguments and results, at any position in the key.
    private static let contentWords: Set<String> = [
        "prompt", "prompts", "message", "messages", "msg", "content", "contents", "input", "inputs", "output",
        "outputs",
        "completion", "completions", "choice", "choices", "argument", "arguments", "args", "argv", "kwargs",
        "parameter",
        "parameters", "params", "text", "texts", "body", "query", "queries", "question", "questions", "answer",
        "answers", "instruction", "instructions", "thinking", "thought", "thoughts", "document", "documents", "chunk",
        "chunks", "transcript", "description", "summary", "comment", "comments", "command", "cmd", "stdout", "stderr",
        "script", "diff", "patch", "payload", "template", "stacktrace", "traceback", "backtrace", "generation",
        "generations", "explanation", "feedback", "note", "notes", "title", "caption", "snippet", "excerpt", "draft",
        "email_body", "memory", "memories", "scratchpad", "goal", "objective", "intent", "utterance",
    ]

    /// Last words of such keys.
    private static let contentEndings: Set<String> = [
        "request", "response", "responses", "result", "results", "data", "value", "values", "tools", "functions",
        "schema", "history", "conversation", "reasoning", "exception", "stack", "details", "detail", "json", "metadata",
        "headers", "definitions", "examples", "example", "task", "step", "steps", "plan", "reply", "context", "item",
        "items",
    ]
}

// MARK: - By the number of a known key

extension KeyClass {
    /// The class of a key that later stages read.
    init(of key: AttributeKey) {
        self = Self.special[key] ?? .label
    }

    /// The exceptions; all other keys are ids and labels.
    private static let special: [AttributeKey: KeyClass] = {
        var classes: [AttributeKey: KeyClass] = [:]
        let figures: [AttributeKey] = [
            .langfuseObservationUsageDetails, .mlflowChatTokenUsage, .metadataUsageObject,
            .langsmithMetadataUsageMetadata, .genAIUsageRaw, .aiResponseProviderMetadata,
            .langfuseObservationCostDetails,
        ]
        let names: [AttributeKey] = [
            .hostArch, .osType, .osVersion, .telemetrySDKLanguage, .telemetrySDKName, .telemetrySDKVersion, .originator,
            .terminalType, .eventKind, .agentType, .agentNameFlat, .querySource, .querySourceSafe,
            .aiTelemetryFunctionID,
            .traceloopEntityName, .traceloopWorkflowName, .workspaceHostPaths, .toolNameFlat, .functionName,
            .genAIToolName, .toolName, .aiToolCallName, .decision, .source, .mcpServerName, .mcpToolName, .skillName,
            .pluginName, .success, .genAIResponseFinishReasons, .finishReasons, .stopReason, .litellmCacheHit, .type,
            .tokenType, .genAITokenType, .eventName,
        ]
        // The text of a figure, a time or a fixed word is short; a long text under such a key is not one of them.
        let short: [AttributeKey] = [
            .eventTimestamp, .eventSequence, .genAIOperationName, .openinferenceSpanKind, .traceloopSpanKind,
            .langfuseObservationType, .llmRequestType, .mlflowSpanType, .langsmithSpanKind, .lmnrSpanType,
            .ag2UsageKind, .speed, .effort, .serviceTier, .anthropicResponseServiceTier,
            .genAIOpenaiResponseServiceTier, .genAIResponseServiceTier, .openaiResponseServiceTier,
            .genAIOpenaiRequestServiceTier, .openaiRequestServiceTier, .inferenceGeo, .modelReasoningEffort,
            .durationMs, .ttftMs, .aiResponseMsToFinish, .attempt, .httpResponseStatusCode, .statusCode,
        ]
        let words = ["token", "usage", "cost", "cache_", ".cached"]
        for key in AttributeKey.all where words.contains(where: key.name.lowercased().contains) {
            classes[key] = .short
        }
        for key in short { classes[key] = .short }
        for key in figures { classes[key] = .figures }
        for key in names { classes[key] = .name }
        for key in [AttributeKey.error, .errorMessage, .errorType, .errorTypeFlat, .exceptionType] {
            classes[key] = .error
        }
        let identifiers: [AttributeKey] = [
            .serviceVersion, .appVersion, .requestID, .clientRequestID, .anthropicRequestID, .genAIResponseID,
            .aiResponseID, .responseID, .litellmCallID, .authRequestID, .genAIProviderName, .genAISystem, .llmProvider,
            .llmSystem, .aiModelProvider, .aiProvider, .providerName,
        ]
        let titles: [AttributeKey] = [
            .hostName, .enduserID, .litellmEndUserID, .genAIAgentName, .agentName, .genAIAgentID, .agentID,
        ]
        for key in identifiers { classes[key] = .identifier }
        for key in titles { classes[key] = .title }
        classes[.exceptionMessage] = .content
        return classes
    }()
}
