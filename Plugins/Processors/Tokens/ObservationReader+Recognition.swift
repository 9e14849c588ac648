// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What a record is taken for.
struct Verdict {
    /// Whose it is.
    var profile: AgentProfile
    /// What its usage is.
    var role: Role
    /// Whether it names itself a model call, so that a cost without tokens can be believed of it.
    var isNamedCall: Bool
    /// How far its numbers are trusted.
    var authority: UInt8

    /// What the usage of a record is.
    enum Role {
        /// That of one call.
        case call
        /// That of an agent's run, a sum of calls, or what else counts only where no call in it is known.
        case agent
        /// A repetition or a sum of what other records report.
        case repetition
    }
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
        let (role, isNamed) = isSpan ? role(ofSpan: entry, profile) : role(ofLog: entry, profile)
        return Verdict(
            profile: profile,
            role: role,
            isNamedCall: isNamed && role == .call,
            authority: role == .agent ? Self.authorityOfAgents : authority(entry, profile, isSpan)
        )
    }

    /// Below every source that reports single calls.
    private static let authorityOfAgents: UInt8 = 10

    private static let look = StableHash(domain: "look")

    /// The attributes on which a verdict rests.
    private static let telling: KeyGroup = [
        .eventName, .genAIAgentName, .agentName, .genAIOperationName, .openinferenceSpanKind, .langfuseObservationType,
        .mlflowSpanType, .langsmithSpanKind, .lmnrSpanType, .traceloopSpanKind, .ag2UsageKind,
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
        let name = attributes.text([.genAIAgentName, .agentName]).map(batch.name) ?? resource.serviceName
        return AgentProfile(name: name ?? "")
    }

    private func role(ofLog entry: RecordEntry, _ profile: AgentProfile) -> (Verdict.Role, isNamed: Bool) {
        let event = (attributes.text(.eventName) ?? (entry.name.isEmpty ? nil : entry.name)).map(batch.string)
        if let callEvents = profile.callEvents {
            return event.map(callEvents.contains) ?? false ? (.call, true) : (.repetition, false)
        }
        guard let event else { return (.call, false) }
        let isSum = AgentProfile.eventsThatSumUp.contains(event)
        return (isSum ? .repetition : .call, event.hasPrefix("gen_ai.client.inference"))
    }

    private func role(ofSpan entry: RecordEntry, _ profile: AgentProfile) -> (Verdict.Role, isNamed: Bool) {
        let name = batch.string(entry.name)
        if let callSpans = profile.callSpans { return callSpans.contains(name) ? (.call, true) : (.repetition, false) }
        if AgentProfile.spansThatSumUp.contains(name) { return (.repetition, false) }
        if let kind = attributes.text(.ag2UsageKind) {
            let kind = batch.string(kind)
            if AgentProfile.usageKindsBesideCalls.contains(kind) { return (.agent, false) }
            return AgentProfile.usageKindsThatRepeat.contains(kind) ? (.repetition, false) : (.call, true)
        }
        // An agent that reports its calls itself needs no sum of them.
        let sum: Verdict.Role = profile.isKnownByHeart ? .repetition : .agent
        let operation = attributes.text(.genAIOperationName).map(batch.string)
        if let operation, AgentProfile.operationsThatSumUp.contains(operation) {
            return (AgentProfile.operationsOfAgents.contains(operation) ? sum : .repetition, false)
        }
        if let slice = attributes.text(ExtractionTable.kind) {
            // MLflow writes JSON, with quotes; OpenInference's own libraries differ in the case.
            let kind = Self.unquoted(batch.string(slice)).lowercased()
            if AgentProfile.kindsThatInfer.contains(kind) { return (.call, true) }
            return (AgentProfile.kindsOfAgents.contains(kind) ? sum : .repetition, false)
        }
        guard let kind = attributes.text(.traceloopSpanKind) else { return (.call, operation != nil) }
        return (AgentProfile.kindsOfAgents.contains(batch.string(kind)) ? sum : .repetition, false)
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
