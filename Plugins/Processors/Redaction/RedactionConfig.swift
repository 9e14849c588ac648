// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP

/// The keys under `redaction:`.
public struct RedactionConfig: ComponentConfig {
    /// Attributes and other texts that are kept unchanged, by name or `prefix.*`.
    public var keepAttributes: [String] = []
    /// The same as ``keepAttributes``, under the name of the OpenTelemetry Collector's processor.
    public var allowedKeys: [String] = []
    /// Whether every key is kept, except those that are known to hold messages and those of ``dropAttributes``.
    public var allowAllKeys = false
    /// Attributes to drop, by name or `prefix.*`, in addition to those that hold or may hold messages.
    public var dropAttributes: [String] = []
    /// Attributes whose values are replaced by a keyed hash, by name.
    public var hashAttributes: [String] = []
    /// The key of the hash; without one a random key is created and kept in the program's folder.
    public var salt: Secret = ""
    /// The treatment of log bodies that hold messages.
    public var logBodies = Fate.drop
    /// The treatment of span events that are messages.
    public var spanEvents = Fate.drop

    /// Drops text that may be a prompt, an answer or an argument; hashes nothing.
    public init() {}

    /// The treatments of something that holds a message.
    public enum Fate: String, Codable, Sendable, CaseIterable {
        case drop, keep
    }

    enum CodingKeys: String, CodingKey {
        case salt
        case keepAttributes = "keep_attributes"
        case allowedKeys = "allowed_keys"
        case allowAllKeys = "allow_all_keys"
        case dropAttributes = "drop_attributes"
        case hashAttributes = "hash_attributes"
        case logBodies = "log_bodies"
        case spanEvents = "span_events"
    }

    /// What each key means.
    public static let documentation = [
        "keep_attributes":
            "what is kept whatever it holds, by name or as prefix.*: attributes, and status.message, span.name, metric.description and the other names under which `hammurabi doctor --data` lists what was dropped",
        "allowed_keys": "the same as keep_attributes, as the OpenTelemetry Collector's redaction processor calls it",
        "allow_all_keys":
            "true: text is kept under every key that is not known to carry prompts, answers and tool calls; false: only text that is known to be safe or has the form of a short name",
        "drop_attributes":
            "attributes that are dropped whatever they hold, by name or as prefix.*, beside all that may carry a text",
        "hash_attributes":
            "attributes whose values are replaced by a keyed hash of 32 digits, by name; equal values give equal hashes",
        "salt":
            "the key of the hash, such as ${env:HAMMURABI_SALT}; without one a random key is kept in $HAMMURABI_HOME/redaction.salt",
        "log_bodies": "drop: bodies of log records that carry a message are dropped, event names stay; or keep",
        "span_events":
            "drop: events of spans that are messages (gen_ai.* messages, logged sentences) are dropped; or keep",
    ]

    /// Reports invalid patterns, and rules that would remove what calls are counted by.
    public func validate(_ findings: inout ConfigFindings) {
        for (list, names) in [("keep_attributes", keepAttributes), ("allowed_keys", allowedKeys)] {
            for (position, name) in names.enumerated() where !NamePatterns.isPattern(name) {
                findings.error(
                    "pattern",
                    "\"\(name)\" is no name and no prefix",
                    at: [list, "\(position)"],
                    help: "write name or prefix.*"
                )
            }
        }
        for (position, name) in dropAttributes.enumerated() {
            let path = ["drop_attributes", "\(position)"]
            if !NamePatterns.isPattern(name) {
                findings.error(
                    "pattern",
                    "\"\(name)\" is no name and no prefix",
                    at: path,
                    help: "write name or prefix.*"
                )
            } else if let key = AttributeKey(name: name), CountedAttributes.figures.contains(key) {
                findings.error(
                    "usage-attribute",
                    "calls are counted by \"\(name)\"; it holds no text",
                    at: path,
                    help: "take it out of the list"
                )
            }
        }
        for (position, name) in hashAttributes.enumerated() {
            let path = ["hash_attributes", "\(position)"]
            if name.isEmpty || name.contains("*") {
                findings.error("pattern", "\"\(name)\" is no attribute's name", at: path, help: "write the whole name")
            } else if let key = AttributeKey(name: name), CountedAttributes.figures.contains(key) {
                findings.error(
                    "usage-attribute",
                    "calls are counted by \"\(name)\"; a hash of it could not be counted",
                    at: path,
                    help: "take it out of the list"
                )
            }
        }
        if !salt.isEmpty, salt.value.utf8.count < 8 {
            findings.warning(
                "short-salt",
                "a short salt can be guessed",
                at: ["salt"],
                help: "write 16 characters or more"
            )
        }
    }
}

/// The attributes that calls are counted, identified and distinguished by.
enum CountedAttributes {
    /// Keys that a configuration may neither drop nor hash: without them a call would not be counted, or would be counted twice.
    static let figures: Set<AttributeKey> = {
        let words = ["token", "usage", "cost", "cache_", ".cached", "model"]
        let named = AttributeKey.all.filter { key in words.contains { key.name.lowercased().contains($0) } }
        return Set(named).union([
            .requestID, .clientRequestID, .anthropicRequestID, .genAIResponseID, .aiResponseID, .responseID,
            .litellmCallID, .eventName, .eventKind, .eventTimestamp, .eventSequence, .type, .genAIOperationName,
            .openinferenceSpanKind, .mlflowSpanType, .langsmithSpanKind, .lmnrSpanType, .serviceTier, .speed,
            .serviceName,
        ])
    }()
}
