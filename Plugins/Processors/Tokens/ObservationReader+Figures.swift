// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What a record says.
extension ObservationReader {
    func rawCounts() -> RawCounts {
        var raw = RawCounts()
        if let input = attributes.number(ExtractionTable.input, in: batch) { (raw.input, raw.inputKey) = input }
        raw.output = attributes.number(ExtractionTable.output, in: batch)?.value ?? 0
        raw.cacheRead = attributes.number(ExtractionTable.cacheRead, in: batch)?.value ?? 0
        raw.cacheWrite = attributes.number(ExtractionTable.cacheWrite, in: batch)?.value ?? 0
        raw.cacheWrite5m = attributes.number(ExtractionTable.cacheWrite5m, in: batch)?.value
        raw.cacheWrite1h = attributes.number(ExtractionTable.cacheWrite1h, in: batch)?.value
        raw.reasoning = attributes.number(ExtractionTable.reasoning, in: batch)?.value ?? 0
        raw.total = attributes.number(ExtractionTable.total, in: batch)?.value
        if let text = attributes.text(.aiResponseProviderMetadata) {
            raw.fill(from: ProviderMetadata(batch.bytes(of: text)))
        }
        guard !rules.isEmpty else { return raw }
        func house(_ field: TokenRule.Field) -> Int64? {
            rules.entry(field, in: attributes, of: batch).flatMap { batch.number(of: $0.value) }.flatMap {
                $0 < 0 ? nil : $0
            }
        }
        if let input = house(.input) { (raw.input, raw.inputKey) = (input, .unknown) }
        raw.output = house(.output) ?? raw.output
        raw.cacheRead = house(.cacheRead) ?? raw.cacheRead
        raw.cacheWrite = house(.cacheWrite) ?? raw.cacheWrite
        raw.reasoning = house(.reasoning) ?? raw.reasoning
        return raw
    }

    mutating func describe(
        _ observation: inout Observation,
        _ entry: RecordEntry,
        _ resource: ResourceFacts,
        _ profile: AgentProfile
    ) {
        observation.origin = origin(of: entry, resource, profile)
        observation.reportedCost = reportedCost()
        observation.terms.isFast = attributes.text(.speed).map { batch.equals($0, "fast") } ?? false
        observation.terms.serviceTier = text(ExtractionTable.serviceTier, nil)
        observation.terms.geography = attributes.text(.inferenceGeo).map { interner.string($0, in: batch) }
        observation.duration = duration(of: entry)
        observation.error = error(of: entry)
    }

    private mutating func origin(of entry: RecordEntry, _ resource: ResourceFacts, _ profile: AgentProfile)
        -> SharedOrigin
    {
        var origin = CallOrigin()
        origin.agent = profile.name.isEmpty ? nil : profile.name
        origin.session = text(profile.sessionKeys, .session) ?? resource.session
        if origin.session == nil, entry.traceHigh | entry.traceLow != 0 {
            origin.session = Self.hex(entry.traceHigh, entry.traceLow)
            origin.sessionIsTrace = true
        }
        origin.provider = text(ExtractionTable.provider, nil) ?? profile.provider
        origin.model = text(ExtractionTable.model, .model)
        origin.user = text(ExtractionTable.user, .user) ?? resource.user
        origin.project = project(resource)
        origin.machine = resource.machine
        return origins.shared(origin)
    }

    /// The key of the project: the path that the receiver of session files found, else what a sender calls it.
    mutating func project(_ resource: ResourceFacts) -> String? {
        if case .string(let path)? = attributes.other("hammurabi.project.path", in: batch), !path.isEmpty {
            return interner.string(path, in: batch)
        }
        return text(ExtractionTable.project, .project).map(Self.projectName) ?? resource.project
    }

    mutating func text(_ keys: KeyGroup, _ house: TokenRule.Field?) -> String? {
        if let house, !rules.isEmpty, let entry = rules.entry(house, in: attributes, of: batch),
            case .string(let slice) = entry.value
        {
            return interner.string(slice, in: batch)
        }
        guard let slice = attributes.text(keys) else { return nil }
        return interner.string(slice, in: batch)
    }

    private func reportedCost() -> Money? {
        if let micros = attributes.number(.costUSDMicros, in: batch), attributes[.costUSD] == nil {
            return Money(dollars: Double(micros) / 1e6)
        }
        return attributes.double(ExtractionTable.cost, in: batch).flatMap(Money.init(dollars:))
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
        if let text = attributes.text(ExtractionTable.error) { return String(batch.string(text).prefix(200)) }
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
    private static func hex(_ high: UInt64, _ low: UInt64) -> String {
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
