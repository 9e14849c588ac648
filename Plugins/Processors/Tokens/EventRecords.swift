// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What is particular about the records of the `events` receiver, this machine's or, forwarded, another's.
enum EventRecords {
    /// The scope of all of them.
    static let scope: StaticString = "hammurabi.events"

    /// Beside telemetry of the agent itself, which knows its request ids and times better; above what instrumentations make of it.
    static let authority: UInt8 = 85

    /// Adds what a record tells of its session.
    static func complete(
        _ sighting: inout SessionSighting,
        record: Int,
        of batch: OTLPBatch,
        _ longNames: inout LongNames
    ) {
        let time = sighting.lastSeen
        if case .string(let task)? = batch.attribute("hammurabi.task", of: .record(record)), !task.isEmpty {
            longNames.note(task, as: "task")
            sighting.taskStatus = Latest(batch.name(task), at: time)
        }
        if case .bool(let isCompleted)? = batch.attribute("hammurabi.completed", of: .record(record)) {
            sighting.completion = Latest(isCompleted ? 1 : 0, at: time)
        }
    }
}

extension ObservationReader {
    /// The call that an event tells of: a record with tokens, even if they are none, and an id.
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
            witness: scope.witness,
            authority: EventRecords.authority
        )
        observation.counts = counts
        let profile = AgentProfile(name: text([.genAIAgentName], nil) ?? "")
        describe(&observation, entry, resource, profile, cost: reportedCost(of: record))
        observation.keys.lineage = key
        observation.weakKey = CallIdentity.weakKey(observation, profile, scope: observation.session)
        observation.weakWindow = profile.window
        return observation
    }
}
