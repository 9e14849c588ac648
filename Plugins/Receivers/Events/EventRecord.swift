// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Writes events and heartbeats as OTLP log records of the scope ``scope``, so that they pass through pipelines, and to other
/// collectors, like all other telemetry.
///
/// The record's event name is that of the event, or `heartbeat`. Its attributes are the standard ones: `session.id`, `gen_ai.agent.name`,
/// `gen_ai.provider.name`, `gen_ai.response.model`, `project.name`, `user.id`, `team.id`, `gen_ai.usage.input_tokens` (including cached
/// tokens, as the convention requires), `.output_tokens`, `.cache_read.input_tokens`, `.cache_write.input_tokens`,
/// `.reasoning.output_tokens`, `cost_usd`, `duration_ms`, and three of our own:
///
/// - `hammurabi.event.id`: identifies the event; a record with tokens and this attribute is a call,
/// - `hammurabi.task`: the task that the agent reports,
/// - `hammurabi.completed`: whether the session has ended.
enum EventRecord {
    static let scope = "hammurabi.events"
    static let resource = [LogRecordDraft.Attribute(AttributeKey.serviceName.name, .string("hammurabi-events"))]
    static let id = "hammurabi.event.id"
    static let task = "hammurabi.task"
    static let completed = "hammurabi.completed"
}

extension LogRecordDraft {
    /// Adds an attribute if there is a value.
    mutating func append(_ key: String, _ text: String?) {
        if let text { append(key, .string(text)) }
    }

    /// Adds an attribute if there is a value.
    mutating func append(_ key: AttributeKey, _ text: String?) { append(key.name, text) }
}
