// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Records of the `events` receiver, of this collector or forwarded from another.
enum EventRecords {
    /// The scope of all of them.
    static let scope: StaticString = "hammurabi.events"

    /// Below the agent's own telemetry, which has better request ids and times; above that of instrumentations.
    static let priority: UInt8 = 85

    /// Adds a record's facts about its session.
    static func complete(
        _ update: inout SessionUpdate,
        record: Int,
        of batch: OTLPBatch,
        _ longNames: inout LongNames
    ) {
        let time = update.lastSeen
        if case .string(let task)? = batch.attribute("hammurabi.task", of: .record(record)), !task.isEmpty {
            longNames.note(task, as: "task")
            update.taskStatus = LastWrite(batch.name(task), at: time)
        }
        if case .bool(let isCompleted)? = batch.attribute("hammurabi.completed", of: .record(record)) {
            update.completion = LastWrite(isCompleted ? 1 : 0, at: time)
        }
    }
}

extension ObservationReader {
    /// The call of an event: a record with token figures, even zeros, and an id.
    mutating func event(
        _ record: Int,
        _ entry: RecordEntry,
        _ resource: ResourceFacts,
        _ scope: ScopeFacts
    ) -> Observation? {
        guard case .string(let id)? = batch.attribute("hammurabi.event.id", of: .record(record)), !id.isEmpty,
            let counts = rawCounts().normalized(.inclusive)
        else { return nil }
        let key = CallKeys.eventKey(batch.string(id))
        var observation = Observation(
            id: key,
            time: time(of: entry),
            source: .event,
            emitter: scope.emitter,
            priority: EventRecords.priority
        )
        observation.counts = counts
        let profile = AgentProfile(name: text([.genAIAgentName], nil) ?? "")
        describe(&observation, entry, resource, profile, cost: reportedCost(of: record))
        observation.keys.lineage = key
        observation.blockingKey = CallIdentity.blockingKey(observation, profile, scope: observation.session)
        observation.weakWindow = profile.window
        return observation
    }
}
