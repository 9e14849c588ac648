// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What a record is taken for.
struct Verdict {
    /// Whose it is.
    var profile: AgentProfile
    /// Whether it tells of a call, if it tells usage.
    var isCall: Bool
    /// How far its numbers are trusted.
    var authority: UInt8
}

/// Which records tell of calls, and by whom.
extension ObservationReader {
    /// What the record whose attributes are loaded is; looked into once for all that look alike in the batch.
    mutating func verdict(on entry: RecordEntry, _ resource: ResourceFacts) -> Verdict {
        var look = Self.look
        look.combine(UInt64(entry.scope))
        batch.bytes(of: entry.name).withUnsafeBytes { look.combine(bytes: $0.bytes) }
        for key in Self.telling.keys where attributes.present.intersects(Self.telling.set) {
            guard let text = attributes.text(key) else { continue }
            look.combine(UInt64(key.rawValue))
            batch.bytes(of: text).withUnsafeBytes { look.combine(bytes: $0.bytes) }
        }
        if let latest = latestVerdict, latest.look == look.value { return latest.verdict }
        let known = verdicts[look.value]
        let verdict = known ?? newVerdict(on: entry, resource)
        if known == nil { verdicts[look.value] = verdict }
        latestVerdict = (look.value, verdict)
        return verdict
    }

    private func newVerdict(on entry: RecordEntry, _ resource: ResourceFacts) -> Verdict {
        let profile = profile(of: entry, resource)
        let isSpan = batch.signal == .traces
        return Verdict(
            profile: profile,
            isCall: isSpan ? isCall(span: entry, profile) : isCall(log: entry, profile),
            authority: authority(entry, profile, isSpan)
        )
    }

    private static let look = StableHash(domain: "look")

    /// The attributes on which a verdict rests.
    private static let telling: KeyGroup = [
        .eventName, .genAIAgentName, .agentName, .genAIOperationName, .openinferenceSpanKind, .langfuseObservationType,
        .traceloopSpanKind,
    ]

    private func profile(of entry: RecordEntry, _ resource: ResourceFacts) -> AgentProfile {
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
        return AgentProfile(name: name ?? "")
    }

    private func isCall(log entry: RecordEntry, _ profile: AgentProfile) -> Bool {
        let event = (attributes.text(.eventName) ?? (entry.name.isEmpty ? nil : entry.name)).map(batch.string)
        if let callEvents = profile.callEvents { return event.map(callEvents.contains) ?? false }
        return event.map { !AgentProfile.eventsThatSumUp.contains($0) } ?? true
    }

    private func isCall(span entry: RecordEntry, _ profile: AgentProfile) -> Bool {
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

    private func authority(_ entry: RecordEntry, _ profile: AgentProfile, _ isSpan: Bool) -> UInt8 {
        guard isSpan else {
            // The convention's inference event repeats what an agent's own event says with more.
            let event = attributes.text(.eventName) ?? entry.name
            return batch.hasPrefix(event, "gen_ai.") ? 60 : profile.logAuthority
        }
        // A vendor's own SDK reads the answer; an instrumentation around it may add up pieces of a stream wrongly.
        return batch.hasPrefix(batch.scopes[entry.scope].name, "com.anthropic.sdk") ? 75 : profile.spanAuthority
    }
}
