// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// How events and heartbeats are written as OTLP log records of the scope ``scope``, so that they go through pipelines, and to other
/// collectors, like everything else.
///
/// The record's event name is the event's, or `heartbeat`. Attributes are the standard ones: `session.id`, `gen_ai.agent.name`,
/// `gen_ai.provider.name`, `gen_ai.response.model`, `project.name`, `user.id`, `team.id`, `gen_ai.usage.input_tokens` (cached ones included, as the
/// convention wants it), `.output_tokens`, `.cache_read.input_tokens`, `.cache_write.input_tokens`, `.reasoning.output_tokens`, `cost_usd`,
/// `duration_ms`, and of our own
///
/// - `hammurabi.event.id`: what tells the event from others; a record with tokens and this is a call,
/// - `hammurabi.task`: what the agent says it is doing,
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
