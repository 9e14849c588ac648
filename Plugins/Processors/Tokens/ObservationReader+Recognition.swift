// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Which records tell of calls, and by whom.
extension ObservationReader {
    func profile(of entry: RecordEntry, _ resource: ResourceFacts) -> AgentProfile {
        if let profile = resource.profile { return profile }
        let hints = [attributes.text(.eventName), entry.name, batch.scopes[entry.scope].name].compactMap(\.self).map(
            batch.string
        )
        if let profile = AgentProfile.known.first(where: { profile in
            profile.prefixes.contains { prefix in hints.contains { $0.hasPrefix(prefix) } }
        }) {
            return profile
        }
        let name = attributes.text([.genAIAgentName, .agentName]).map(batch.string) ?? resource.serviceName
        return .generic(named: name)
    }

    func isCall(log entry: RecordEntry, _ profile: AgentProfile) -> Bool {
        let event = (attributes.text(.eventName) ?? (entry.name.isEmpty ? nil : entry.name)).map(batch.string)
        if let callEvents = profile.callEvents { return event.map(callEvents.contains) ?? false }
        return event.map { !AgentProfile.eventsThatSumUp.contains($0) } ?? true
    }

    func isCall(span entry: RecordEntry, _ profile: AgentProfile) -> Bool {
        let name = batch.string(entry.name)
        if let callSpans = profile.callSpans { return callSpans.contains(name) }
        if AgentProfile.spansThatSumUp.contains(name) { return false }
        if let operation = attributes.text(.genAIOperationName),
            AgentProfile.operationsThatSumUp.contains(batch.string(operation))
        {
            return false
        }
        if let kind = attributes.text([.openinferenceSpanKind, .langfuseObservationType]) {
            return AgentProfile.kindsThatInfer.contains(batch.string(kind))
        }
        return attributes.text(.traceloopSpanKind) == nil
    }

    func authority(_ entry: RecordEntry, _ profile: AgentProfile, _ isSpan: Bool) -> UInt8 {
        guard isSpan else {
            // The convention's inference event repeats what an agent's own event says with more.
            let event = attributes.text(.eventName) ?? entry.name
            return batch.hasPrefix(event, "gen_ai.") ? 60 : profile.logAuthority
        }
        // A vendor's own SDK reads the answer; an instrumentation around it may add up pieces of a stream wrongly.
        return batch.hasPrefix(batch.scopes[entry.scope].name, "com.anthropic.sdk") ? 75 : profile.spanAuthority
    }
}
