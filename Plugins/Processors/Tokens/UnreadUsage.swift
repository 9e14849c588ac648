// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Attributes of a batch that look like token usage and are not read: those of a client that this version does not know, and figures of
/// a known name whose value cannot be read.
///
/// Langfuse's `langfuse.observation.usage_details` and MLflow's `mlflow.chat.tokenUsage` were such for a long time, and nothing said so:
/// reports showed 0 calls. A record without a figure under a name that is read is looked through: an attribute counts when its
/// name looks like usage *and* its value does: a number under a name such as `llm.usage.prompt_tokens`, or a text or list with members
/// under a name such as `…usage_details`. Limits, budgets, rates and costs are no usage, and neither is what is known to sum up others.
/// Of a record with figures only those count that have a name that is read and have a value that is not, such as `"12,345"`.
struct UnreadUsage {
    /// The number of records with each attribute.
    private(set) var records: [Name: Int] = [:]

    /// The name of an attribute.
    struct Name: Hashable {
        let text: String
        /// Whether attributes of that name are read, so that the value is what gave no figure.
        let isRead: Bool
    }

    /// The most names in one batch; further ones are counted together.
    private static let mostNames = 64
    private static let longestName = 128

    /// Creates an empty result.
    init() {}

    /// Counts a value that cannot be read, under a name that is read.
    mutating func note(valueOf key: AttributeKey) { note(valueUnder: key.name) }

    /// Counts a value that cannot be read, under a name that the user's rules read.
    mutating func note(valueUnder name: String) { count(Name(text: name, isRead: true)) }

    private mutating func count(_ name: Name) {
        let hasRoom = records[name] != nil || records.count < Self.mostNames
        records[hasRoom ? name : Name(text: IntakeLog.other, isRead: name.isRead), default: 0] += 1
    }

    /// Looks through the records of a batch.
    ///
    /// - Parameter isRead: For each record, whether it carries a figure under a name that is read.
    mutating func look(through batch: OTLPBatch, whereNot isRead: [Bool]) {
        guard isRead.contains(false) else { return }
        var names = NameMemory()
        var found: [(record: Int, entry: AttributeEntry)] = []
        // Nearly all attributes are rejected here, by their bytes and without copies.
        batch.bytes.withUnsafeBytes { bytes in
            for record in batch.records.indices where !isRead[record] && batch.isLive(record: record) {
                batch.forEachAttribute(of: .record(record)) { entry in
                    if names.mayBeUsage(entry, in: bytes) { found.append((record, entry)) }
                }
            }
        }
        for (record, entry) in found { add(entry, of: record, in: batch) }
        guard batch.signal == .logs else { return }
        for record in batch.records.indices where !isRead[record] && batch.isLive(record: record) {
            addBody(of: record, in: batch)
        }
    }

    /// Counts the figures in the body of a log record, as OpenTelemetry's events once had them: what makes a call are attributes.
    private mutating func addBody(of record: Int, in batch: OTLPBatch) {
        let bytes: ArraySlice<UInt8>
        let body = batch.records[record].body
        switch body {
        case .keyValueList(let slice): bytes = batch.bytes(of: slice)
        case .string(let slice): bytes = batch.bytes(of: slice)
        case .empty, .bool, .int, .double, .bytes, .array: return
        }
        if case .string = body {
            guard bytes.first == UInt8(ascii: "{"), Self.isOfModelCall(record, in: batch) else { return }
        }
        guard Self.mentionsTokens(bytes), !Self.isExplained(record, in: batch) else { return }
        let figures = PrintedObject(Array(batch.text(of: body).utf8)[...]).numbers
        for (name, number) in figures where number > 0 && UsageName(name)?.namesNumber == true {
            count(Name(text: Self.isName(name) ? "body:" + name : IntakeLog.other, isRead: false))
        }
    }

    /// Whether an event is one of OpenTelemetry's for model calls; the bodies of others are what people and programs say.
    private static func isOfModelCall(_ record: Int, in batch: OTLPBatch) -> Bool {
        if batch.hasPrefix(batch.records[record].name, "gen_ai.") { return true }
        guard case .string(let name)? = batch.attribute(.eventName, record: record) else { return false }
        return batch.hasPrefix(name, "gen_ai.")
    }

    private static func mentionsTokens(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count <= 1 << 16 && bytes.firstRange(of: "oken".utf8) != nil
    }

    private mutating func add(_ entry: AttributeEntry, of record: Int, in batch: OTLPBatch) {
        let name = batch.string(entry.key)
        let isRead = ExtractionTable.readsFigures(of: entry.keyID)
        let fits = isRead ? Self.saysUsage(entry, in: batch) : UsageName(name)?.fits(entry.value, in: batch) == true
        guard fits, !Self.isExplained(record, in: batch) else { return }
        count(Name(text: Self.isName(name) ? name : IntakeLog.other, isRead: isRead))
    }

    /// Whether a value under a name that is read is more than nothing: a record without any use of tokens lacks nothing.
    private static func saysUsage(_ entry: AttributeEntry, in batch: OTLPBatch) -> Bool {
        if let number = batch.double(of: entry.value) { return number > 0 }
        if let source = UsageObject.sources.first(where: { $0.key == entry.keyID }),
            let object = UsageObject(entry.value, in: batch)
        {
            let counts = object.counts(of: source)
            return object.isUnread(counts) || (counts.normalized(nil)?.isZero != true)
        }
        return !batch.isVoid(entry.value)
    }

    /// Whether a key is a name and not a sentence, which could be a prompt and must not be logged.
    private static func isName(_ key: String) -> Bool {
        key.utf8.count <= longestName && key.utf8.allSatisfy { (33..<127).contains($0) }
    }

    /// Reports the attributes to the collector, which counts and logs them.
    func note(to settings: ComponentSettings, signal: Signal) {
        for (name, count) in records {
            settings.intake.note(
                name.isRead ? .unreadableUsage : .unreadUsage,
                name.text,
                signal: signal,
                reason: name.isRead ? "its value cannot be read" : "no rule reads this attribute",
                count: count,
                logger: settings.logger
            )
        }
    }

    // MARK: - Records that are known

    /// Whether a record is known not to be a call: of our own receivers, of a described agent, or a known sum.
    private static func isExplained(_ record: Int, in batch: OTLPBatch) -> Bool {
        let entry = batch.records[record]
        let scope = batch.scopes[entry.scope]
        if batch.hasPrefix(scope.name, "hammurabi.") { return true }
        func text(_ key: AttributeKey) -> String? {
            guard case .string(let slice)? = batch.attribute(key, record: record), !slice.isEmpty else { return nil }
            return batch.string(slice)
        }
        let isSpan = batch.signal == .traces
        let name = (isSpan ? nil : text(.eventName)) ?? batch.string(entry.name)
        if (isSpan ? AgentProfile.spansThatSumUp : AgentProfile.eventsThatSumUp).contains(name) { return true }
        if let operation = text(.genAIOperationName), AgentProfile.operationsThatSumUp.contains(operation) {
            return true
        }
        guard case .string(let service)? = batch.attribute(.serviceName, resource: scope.resource) else { return false }
        let serviceName = batch.string(service)
        let agent = AgentProfile.known.first { $0.serviceNames.contains { serviceName.hasPrefix($0) } }
        guard let agent, let calls = isSpan ? agent.callSpans : agent.callEvents else { return false }
        return !calls.contains(name)
    }
}

/// Which keys of a batch may be usage, each decided once: records repeat their keys, and other names must cost next to nothing.
private struct NameMemory {
    private struct Look {
        var length: UInt32 = 0
        var isUsage = false
        var first: UInt64 = 0
        var last: UInt64 = 0
    }

    private var looks = [Look](repeating: Look(), count: 64)
    private let known = NameMemory.known

    /// For each key in the table, whether its name may be usage.
    private static let known: [Bool] = {
        var table = [Bool](repeating: false, count: AttributeKey.limit)
        for key in AttributeKey.all { table[Int(key.rawValue)] = UsageName(key.name) != nil }
        return table
    }()

    /// Whether the name of an attribute looks like usage.
    ///
    /// - Parameter bytes: The bytes of the batch; a name outside of them was added by an earlier processor, not by the sender.
    mutating func mayBeUsage(_ entry: AttributeEntry, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard entry.keyID == .unknown else {
            let isUsage = known[Int(entry.keyID.rawValue)]
            return isUsage && (ExtractionTable.readsFigures(of: entry.keyID) || Self.mayHoldFigures(entry, in: bytes))
        }
        guard Self.mayHoldFigures(entry, in: bytes) else { return false }
        let name = entry.key.range
        // The shortest names are `usage` and `tokens`.
        guard name.count >= 5, name.upperBound <= bytes.count else { return false }
        return mayBeUsage(UnsafeRawBufferPointer(rebasing: bytes[name]))
    }

    /// Whether a value is a number, has members, or is a text with the end of an object: most attributes are rejected here.
    private static func mayHoldFigures(_ entry: AttributeEntry, in bytes: UnsafeRawBufferPointer) -> Bool {
        switch entry.value {
        case .int, .double, .keyValueList: return true
        case .string(let text):
            guard !text.isEmpty, text.range.upperBound <= bytes.count else { return false }
            switch bytes[text.range.upperBound - 1] {
            case UInt8(ascii: "}"), UInt8(ascii: ")"), UInt8(ascii: "0")...UInt8(ascii: "9"): return true
            default: return false
            }
        case .empty, .bool, .bytes, .array: return false
        }
    }

    private mutating func mayBeUsage(_ name: UnsafeRawBufferPointer) -> Bool {
        let end = name.count - 8
        guard end >= 0 else { return UsageName(String(decoding: name, as: UTF8.self)) != nil }
        let first = name.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        let last = name.loadUnaligned(fromByteOffset: end, as: UInt64.self)
        let middle = name.loadUnaligned(fromByteOffset: end / 2, as: UInt64.self)
        let ends = first ^ middle &* 0x9e37_79b9_7f4a_7c15
        let length = UInt32(truncatingIfNeeded: name.count)
        let mixed = (ends ^ last ^ UInt64(length)) &* 0xc2b2_ae3d_27d4_eb4f
        let slot = Int(truncatingIfNeeded: mixed >> 58)
        let look = looks[slot]
        if look.length == length, look.first == ends, look.last == last { return look.isUsage }
        let isUsage = UsageName(String(decoding: name, as: UTF8.self)) != nil
        looks[slot] = Look(length: length, isUsage: isUsage, first: ends, last: last)
        return isUsage
    }
}

/// The name of an attribute that looks like token usage.
private struct UsageName {
    /// Whether the name says that a plain number under it counts tokens.
    let namesNumber: Bool

    /// Parts of names for the kinds of tokens.
    private static let kinds: [StaticString] = ["input", "output", "prompt", "completion"]
    /// Parts of names of figures about tokens that are not usage.
    private static let others: [StaticString] = [
        "max", "min_", "limit", "budget", "threshold", "per_sec", "persec", "per_min", "_rate", "rate_", ".rate",
        "price",
        "cost", "window", "remaining", "estimat", "expire", "ttl", "duration", "latency", "aggregat",
    ]

    /// Creates a name; nil for one that does not look like usage.
    init?(_ text: String) {
        var name = text.lowercased()
        let namesNumber = name.withUTF8 { name -> Bool? in
            func has(_ part: StaticString) -> Bool { Self.has(name, part) }
            let (hasToken, hasUsage) = (has("token"), has("usage"))
            guard hasToken || hasUsage, !Self.others.contains(where: has) else { return nil }
            let namesKind = Self.kinds.contains(where: has)
            return hasToken ? namesKind || has("tokens") || hasUsage || has("count") || has("total") : namesKind
        }
        guard let namesNumber else { return nil }
        self.namesNumber = namesNumber
    }

    /// Whether a text has a part; the general search of strings would take most of the time of a start.
    private static func has(_ text: UnsafeBufferPointer<UInt8>, _ part: StaticString) -> Bool {
        let (length, first) = (part.utf8CodeUnitCount, part.utf8Start[0])
        guard let base = text.baseAddress, text.count >= length else { return false }
        return (0...text.count - length).contains { place in
            text[place] == first && memcmp(base + place, part.utf8Start, length) == 0
        }
    }

    /// Whether a value under this name is usage, too.
    func fits(_ value: AttributeValue, in batch: OTLPBatch) -> Bool {
        switch value {
        case .int(let number): return namesNumber && number > 0
        case .double(let number): return namesNumber && number > 0
        case .string(let slice):
            let text = batch.string(slice)
            if text.utf8.count <= 20, let number = Double(text) { return namesNumber && number > 0 }
            return Self.hasMembers(text)
        case .keyValueList(let slice):
            return Self.hasMembers("{" + String(decoding: batch.bytes(of: slice), as: UTF8.self))
        case .empty, .bool, .bytes, .array: return false
        }
    }

    /// Whether a text has members that are named after tokens: JSON, or a printed object.
    private static func hasMembers(_ text: String) -> Bool {
        let head = text.prefix(2_048)
        guard head.contains("{") || head.contains("(") else { return false }
        var small = head.lowercased()
        return small.withUTF8 { small in has(small, "token") || kinds.contains { has(small, $0) } }
    }
}
