// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What a record says.
extension ObservationReader {
    func rawCounts() -> RawCounts {
        var raw = RawCounts()
        if let input = attributes.number(ExtractionTable.input, in: batch) {
            (raw.input, raw.hasInput) = (input.value, true)
            if ExtractionTable.exclusiveInput.set.contains(input.key) { raw.convention = .exclusive }
        } else if let sum = attributes.sum(ExtractionTable.inputByModality, in: batch) {
            (raw.input, raw.hasInput) = (sum, true)
        }
        let output =
            attributes.number(ExtractionTable.output, in: batch)?.value
            ?? attributes.sum(ExtractionTable.outputByModality, in: batch)
        (raw.output, raw.hasOutput) = (output ?? 0, output != nil)
        raw.cacheRead =
            attributes.number(ExtractionTable.cacheRead, in: batch)?.value
            ?? attributes.sum(ExtractionTable.cacheReadByModality, in: batch) ?? 0
        raw.cacheWrite = attributes.number(ExtractionTable.cacheWrite, in: batch)?.value ?? 0
        raw.cacheWrite5m = attributes.number(ExtractionTable.cacheWrite5m, in: batch)?.value
        raw.cacheWrite1h = attributes.number(ExtractionTable.cacheWrite1h, in: batch)?.value
        if let reasoning = attributes.number(ExtractionTable.reasoning, in: batch) {
            raw.reasoning = reasoning.value
            raw.isReasoningApart = reasoning.key == .thoughtsTokenCount
        }
        raw.total = attributes.number(ExtractionTable.total, in: batch)?.value
        if let text = attributes.text(.aiResponseProviderMetadata) {
            raw.fill(from: ProviderMetadata(batch.bytes(of: text)))
        }
        if attributes.present.intersects(UsageObject.keys.set) { fillFromObjects(&raw) }
        if !rules.isEmpty { applyHouseRules(to: &raw) }
        return raw
    }

    private func fillFromObjects(_ raw: inout RawCounts) {
        for source in UsageObject.sources {
            guard let text = attributes.text(source.key) else { continue }
            raw.fill(from: UsageObject(batch.bytes(of: text), isPython: source.isPython).counts(of: source))
        }
    }

    private func applyHouseRules(to raw: inout RawCounts) {
        func house(_ field: TokenRule.Field) -> Int64? {
            rules.entry(field, in: attributes, of: batch).flatMap { batch.number(of: $0.value) }.flatMap {
                $0 < 0 ? nil : $0
            }
        }
        if let input = house(.input) { (raw.input, raw.hasInput, raw.convention) = (input, true, .inclusive) }
        if let output = house(.output) { (raw.output, raw.hasOutput) = (output, true) }
        raw.cacheRead = house(.cacheRead) ?? raw.cacheRead
        raw.cacheWrite = house(.cacheWrite) ?? raw.cacheWrite
        raw.reasoning = house(.reasoning) ?? raw.reasoning
    }

    mutating func describe(
        _ observation: inout Observation,
        _ entry: RecordEntry,
        _ resource: ResourceFacts,
        _ profile: AgentProfile,
        cost: Money?
    ) {
        observation.origin = origin(of: entry, resource, profile)
        observation.reportedCost = cost
        observation.terms.isFast = attributes.text(.speed).map { batch.equals($0, "fast") } ?? false
        observation.terms.serviceTier = text(ExtractionTable.serviceTier, nil)
        observation.terms.geography = attributes.text(.inferenceGeo).map { name($0, "region") }
        observation.duration = duration(of: entry)
        observation.error = error(of: entry)
    }

    /// Who made the call; a call that names no session has none here yet (``SessionGroup``).
    private mutating func origin(of entry: RecordEntry, _ resource: ResourceFacts, _ profile: AgentProfile)
        -> SharedOrigin
    {
        var origin = CallOrigin()
        origin.agent = profile.name.isEmpty ? nil : profile.name
        origin.session = session(profile.sessionKeys) ?? resource.session
        origin.provider = provider() ?? profile.provider
        origin.model = text(ExtractionTable.model, .model).map(Self.unquoted)
        origin.user = text(ExtractionTable.user, .user) ?? resource.user
        origin.project = project(resource)
        origin.machine = resource.machine
        names = (origin.session, origin.user)
        return origins.shared(origin)
    }

    /// The session that the record itself names.
    ///
    /// Microsoft's Agent Framework sends the id of a response as `gen_ai.conversation.id`, which is no session.
    mutating func session(_ keys: KeyGroup) -> String? {
        guard let conversation = attributes.text(.genAIConversationID), isResponse(conversation) else {
            return text(keys, .session)
        }
        return text(KeyGroup(keys.keys.filter { $0 != .genAIConversationID }), .session)
    }

    /// Whether an id is that of an answer: by its beginning, or because the record's answer has it.
    private func isResponse(_ id: Slice) -> Bool {
        if Self.responses.contains(where: { batch.hasPrefix(id, $0) }) { return true }
        guard let response = attributes.text(ExtractionTable.responseID), response.length == id.length else {
            return false
        }
        return batch.bytes(of: response) == batch.bytes(of: id)
    }

    /// How the ids of OpenAI's and Anthropic's answers begin.
    private static let responses: [StaticString] = ["resp_", "msg_", "chatcmpl-"]

    /// Who answered, under one name however it is spelled; the name of a framework is passed over.
    private mutating func provider() -> String? {
        guard attributes.present.intersects(ExtractionTable.provider.set) else { return nil }
        for key in ExtractionTable.provider.keys {
            guard let slice = attributes.text(key) else { continue }
            let sent = name(slice, "provider")
            if let known = providers.first(where: { $0.sent == sent }) {
                if let name = known.name { return name }
                continue
            }
            let name = ProviderName.canonical(sent)
            if providers.count < 8 { providers.append((sent, name)) }
            if let name { return name }
        }
        return nil
    }

    /// A text without the quotes of the JSON that MLflow makes of every value.
    static func unquoted(_ text: String) -> String {
        guard text.utf8.first == UInt8(ascii: "\""), text.utf8.count > 2, text.utf8.last == UInt8(ascii: "\"") else {
            return text
        }
        return String(text.dropFirst().dropLast())
    }

    /// The key of the project: the path that the receiver of session files found, else what a sender calls it.
    mutating func project(_ resource: ResourceFacts) -> String? {
        if case .string(let path)? = attributes.other("hammurabi.project.path", in: batch), !path.isEmpty {
            return name(path, "project")
        }
        guard let slice = slice(ExtractionTable.project, .project) else { return resource.project }
        longNames.note(slice, as: "project")
        return slice.length <= NameLimit.bytes
            ? Self.projectName(interner.string(slice, in: batch)) : batch.projectName(slice)
    }

    /// A name under one of several keys or, first, under those of the user's rules.
    mutating func text(_ keys: KeyGroup, _ house: TokenRule.Field?) -> String? {
        slice(keys, house).map { name($0, house?.rawValue ?? "other") }
    }

    private func slice(_ keys: KeyGroup, _ house: TokenRule.Field?) -> Slice? {
        if let house, !rules.isEmpty, let entry = rules.entry(house, in: attributes, of: batch),
            case .string(let slice) = entry.value
        {
            return slice
        }
        return attributes.text(keys)
    }

    /// A name, cut if it is too long.
    private mutating func name(_ slice: Slice, _ field: String) -> String {
        longNames.note(slice, as: field)
        return interner.string(slice, in: batch)
    }

    func reportedCost(of record: Int) -> Money? {
        if let micros = attributes.number(.costUSDMicros, in: batch), attributes[.costUSD] == nil {
            return Money(dollars: Double(micros) / 1e6)
        }
        if attributes.present.intersects(ExtractionTable.cost.set) {
            let computed = collectorCost(of: record)
            for key in ExtractionTable.cost.keys {
                guard let dollars = attributes[key].flatMap({ batch.double(of: $0.value) }) else { continue }
                if key != .genAIUsageCost || dollars != computed { return Money(dollars: dollars) }
            }
        }
        return attributes.text(.langfuseObservationCostDetails)
            .flatMap { UsageObject(batch.bytes(of: $0)).cost }.flatMap(Money.init(dollars:))
    }

    private func duration(of entry: RecordEntry) -> Int64? {
        if let milliseconds = attributes.double(ExtractionTable.duration, in: batch), (0...1e12).contains(milliseconds)
        {
            return Int64(milliseconds * 1e6)
        }
        guard batch.signal == .traces, entry.startTime != 0, entry.endTime >= entry.startTime else { return nil }
        return Int64(exactly: entry.endTime - entry.startTime)
    }

    private func error(of entry: RecordEntry) -> String? {
        if let text = attributes.text(ExtractionTable.error) { return String(batch.name(text).prefix(200)) }
        if let status = attributes.number(ExtractionTable.status, in: batch)?.value, status >= 400 {
            return "status \(status)"
        }
        return batch.signal == .traces && entry.statusCode == 2 ? "error" : nil
    }

    /// The end of the call.
    ///
    /// Codex leaves the time of its log records at zero and puts it into an attribute.
    func time(of entry: RecordEntry) -> Timestamp {
        if let time = Timestamp(unixNano: entry.endTime) { return time }
        if batch.signal == .traces { return Timestamp(unixNano: entry.startTime) ?? receivedAt }
        if let text = attributes.text(.eventTimestamp), let time = Timestamp(iso8601: batch.string(text)) {
            return time
        }
        return Timestamp(unixNano: entry.observedTime) ?? receivedAt
    }

    /// The key of a project by what a sender calls it: the path of a folder, the last part of a repository's address, or a name.
    static func projectName(_ text: String) -> String {
        if let path = ProjectPath.key(of: text) { return path }
        // The names of most projects are short words; the general search in a string takes longer than all else about a record.
        guard text.utf8.contains(UInt8(ascii: "/")) || text.utf8.contains(UInt8(ascii: "@")),
            text.contains("://") || text.hasPrefix("git@"), let last = text.split(separator: "/").last
        else { return text }
        return last.hasSuffix(".git") ? String(last.dropLast(4)) : String(last)
    }

    /// Sixteen bytes in 32 digits.
    static func hex(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 32) { digits in
            for place in 0..<32 {
                let word = place < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - place % 16 * 4) & 15)
                digits[place] = digit < 10 ? 48 + digit : 87 + digit
            }
            return 32
        }
    }
}
