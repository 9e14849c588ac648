// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// The redaction of one batch.
struct RedactionPass: ContentReview {
    private let rules: RedactionRules
    private let dropsEvents: Bool
    /// The key of the hashes; nil: values that should be hashed are dropped.
    private let key: [UInt8]?
    /// The key of the marks that replace names.
    private let markKey: [UInt8]
    /// The classes of keys that no table contains.
    private(set) var memory: KeyMemory
    private var knownTexts = KnownTexts()
    /// The attributes of the present owner that may have to be removed.
    private var suspects: [Int] = []
    /// Whether the present owner has more texts under unknown keys than names would need: a sentence can arrive word by word.
    private var hasManyTexts = false
    private static let mostTexts = 8
    /// The counts of dropped texts, by number; see ``counts()``.
    private var drops: [UInt32] = []
    /// The hashes of values: a batch repeats the same user many times.
    private var hashes: [String: String] = [:]

    /// The most hashes that are remembered; further values are hashed each time.
    private static let mostHashes = 4_096
    /// The mark that replaces an error message.
    static let mark = "redacted"

    init(_ rules: RedactionRules, dropsEvents: Bool, key: [UInt8]?, markKey: [UInt8], memory: KeyMemory) {
        self.rules = rules
        self.dropsEvents = dropsEvents
        self.key = key
        self.markKey = markKey
        self.memory = memory
    }

    // MARK: - Attributes

    /// The treatment of an attribute.
    private enum Fate {
        case keep, drop, hash
        case replace(String)
    }

    /// Redacts the attributes of a record, scope or resource.
    ///
    /// - Returns: Whether any was dropped.
    mutating func redact(_ owner: AttributeOwner, of otlp: inout OTLPBatch) -> Bool {
        var hasDropped = otlp.overlay.hasAdditions(to: owner) ? redactAdditions(to: owner, of: &otlp) : false
        findSuspects(in: Self.attributes(of: owner, in: otlp), of: otlp)
        for index in suspects where !otlp.overlay.isRemoved(attribute: index) {
            let entry = otlp.attributes[index]
            switch fate(of: entry, in: otlp) {
            case .keep:
                if otlp.isStrict(attribute: index) { continue }
                // The value is kept; bytes that other fields hide behind it are removed.
                let value = otlp.scalar(of: entry.value)
                if let value { otlp.overlay.append(otlp.string(entry.key), value, to: owner) }
                note(entry, in: otlp)
            case .drop:
                hasDropped = true
                note(entry, in: otlp)
            case .hash:
                if let hash = hash(entry.value, in: otlp) {
                    otlp.overlay.append(otlp.string(entry.key), .string(hash), to: owner)
                }
            case .replace(let text):
                otlp.overlay.append(otlp.string(entry.key), .string(text), to: owner)
                note(entry, in: otlp)
            }
            otlp.overlay.remove(attribute: index)
        }
        return hasDropped
    }

    /// Finds the attributes that must be examined: nearly all others stay unchanged and are not copied.
    private mutating func findSuspects(in range: Range<Int>, of otlp: OTLPBatch) {
        suspects.removeAll(keepingCapacity: true)
        otlp.bytes.withUnsafeBytes { bytes in
            otlp.attributes.withUnsafeBufferPointer { attributes in
                var texts = 0
                for index in range where !stays(attributes[index], in: bytes, &texts) { suspects.append(index) }
                hasManyTexts = texts > Self.mostTexts
                guard hasManyTexts else { return }
                suspects.removeAll(keepingCapacity: true)
                for index in range
                where attributes[index].keyID == .unknown || !stays(attributes[index], in: bytes, &texts) {
                    suspects.append(index)
                }
            }
        }
    }

    /// Whether an attribute certainly stays unchanged.
    @inline(__always)
    private mutating func stays(_ entry: AttributeEntry, in bytes: UnsafeRawBufferPointer, _ texts: inout Int) -> Bool {
        guard entry.isPlain else { return false }
        let keyClass: KeyClass
        if entry.keyID != .unknown {
            keyClass = rules.keyClass(of: entry.keyID)
        } else {
            let name = UnsafeRawBufferPointer(rebasing: bytes[entry.key.range])
            if let known = memory.find(name) {
                keyClass = known.keyClass
            } else {
                keyClass = rules.keyClass(ofName: ArraySlice(name))
                _ = memory.add(name, keyClass)
            }
            if keyClass == .short, case .string(let text) = entry.value, !text.isEmpty, bytes[Int(text.offset)] >= 0x41
            {
                texts &+= 1
            }
        }
        let shape: TextShape
        switch keyClass {
        case .keep: return true
        case .label:
            guard case .string(let text) = entry.value else { return true }
            return !Credential.begins(UnsafeRawBufferPointer(rebasing: bytes[text.range]))
        case .identifier: shape = .identifier
        case .title: shape = .title
        case .drop, .hash, .text: return false
        case .content: return entry.kind != .string
        case .name: shape = .name
        case .error: shape = .error
        case .short, .term, .figures: shape = .short
        }
        guard case .string(let text) = entry.value else { return true }
        return knownTexts.fits(UnsafeRawBufferPointer(rebasing: bytes[text.range]), as: keyClass.rawValue, shape.fits)
    }

    /// Redacts attributes that other components added, before the received ones: hashes are additions, too.
    private mutating func redactAdditions(to owner: AttributeOwner, of otlp: inout OTLPBatch) -> Bool {
        var hasDropped = false
        // Slices beyond the bytes refer to additions.
        let added = otlp.attributes(of: owner).filter { $0.key.offset >= otlp.bytes.count }
        for entry in added {
            let name = otlp.string(entry.key)
            switch fate(of: entry, in: otlp) {
            case .keep: continue
            case .drop:
                hasDropped = true
                note(entry, in: otlp)
                otlp.removeAttributes(name, of: owner)
            case .hash:
                let hash = hash(entry.value, in: otlp)
                otlp.removeAttributes(name, of: owner)
                if let hash { otlp.overlay.append(name, .string(hash), to: owner) }
            case .replace(let text):
                note(entry, in: otlp)
                otlp.removeAttributes(name, of: owner)
                otlp.overlay.append(name, .string(text), to: owner)
            }
        }
        return hasDropped
    }

    private static func attributes(of owner: AttributeOwner, in otlp: OTLPBatch) -> Range<Int> {
        switch owner {
        case .record(let index): otlp.records[index].attributes
        case .scope(let index): otlp.scopes[index].attributes
        case .resource(let index): otlp.resources[index].attributes
        }
    }

    @inline(__always)
    private mutating func fate(of entry: AttributeEntry, in otlp: OTLPBatch) -> Fate {
        let keyClass = entry.keyID != .unknown ? rules.keyClass(of: entry.keyID) : find(entry.key, in: otlp).0
        if keyClass == .keep { return .keep }
        return fate(of: entry, keyClass, in: otlp)
    }

    private mutating func find(_ key: Slice, in otlp: OTLPBatch) -> (KeyClass, number: Int?) {
        let name = otlp.bytes(of: key)
        return name.withUnsafeBytes { bytes in
            if let known = memory.find(bytes) { return (known.keyClass, known.number) }
            let keyClass = rules.keyClass(ofName: name)
            return (keyClass, memory.add(bytes, keyClass))
        }
    }

    private func fate(of entry: AttributeEntry, _ keyClass: KeyClass, in otlp: OTLPBatch) -> Fate {
        switch keyClass {
        case .keep: return .keep
        case .drop, .text: return .drop
        case .hash: return .hash
        case .label, .identifier, .title, .content, .figures, .error, .name, .term, .short: break
        }
        switch entry.value {
        case .empty, .bool, .int, .double: return .keep
        case .string(let slice):
            let text = otlp.bytes(of: slice)
            if hasManyTexts, keyClass == .short, entry.keyID == .unknown, text.first.map({ $0 >= 0x41 }) == true {
                return .drop
            }
            return fate(ofText: text, keyClass)
        case .bytes(let slice): return slice.isEmpty ? .keep : .drop
        case .array(let slice), .keyValueList(let slice):
            return slice.isEmpty || rules.keeps(inside: entry.value, under: keyClass, in: otlp) ? .keep : .drop
        }
    }

    private func fate(ofText text: ArraySlice<UInt8>, _ keyClass: KeyClass) -> Fate {
        switch keyClass {
        case .label: return text.withUnsafeBytes(Credential.begins) ? .replace(mark(of: text)) : .keep
        case .identifier: return TextShape.identifier.fits(text) ? .keep : .replace(mark(of: text))
        case .title: return TextShape.title.fits(text) ? .keep : .replace(mark(of: text))
        case .name: return TextShape.name.fits(text) ? .keep : .drop
        case .error: return TextShape.error.fits(text) ? .keep : .replace(Self.mark)
        case .content: return text.isEmpty || text.isNumber ? .keep : .drop
        case .figures:
            if TextShape.short.fits(text.unquoted) { return .keep }
            let figures = FigureText(text)
            guard let kept = figures.kept else { return .drop }
            return figures.isWhole ? .keep : .replace(String(decoding: kept, as: UTF8.self))
        case .short, .term, .keep, .drop, .hash, .text: return TextShape.short.fits(text.unquoted) ? .keep : .drop
        }
    }

    // MARK: - Other texts

    mutating func drops(eventNamed name: Slice, in batch: OTLPBatch) -> Bool {
        guard dropsEvents, rules.isMessage(eventNamed: batch.bytes(of: name)) else { return false }
        drops.append(Self.events)
        return true
    }

    mutating func decide(on attribute: AttributeEntry, in batch: OTLPBatch) -> AttributeDecision {
        switch fate(of: attribute, in: batch) {
        case .keep: return .keep
        case .drop:
            note(attribute, in: batch)
            return .remove
        case .hash: return hash(attribute.value, in: batch).map { .replace(.string($0)) } ?? .remove
        case .replace(let text):
            note(attribute, in: batch)
            return .replace(.string(text))
        }
    }

    mutating func decide(on text: Slice, at place: TextPlace, in batch: OTLPBatch) -> TextDecision {
        let bytes = batch.bytes(of: text)
        let rules = rules
        let isKept = bytes.withUnsafeBytes { text in
            knownTexts.fits(text, as: 128 + place.rawValue) { _ in rules.keeps(bytes, at: place) }
        }
        if isKept || place == .eventName && !dropsEvents { return .keep }
        drops.append(Self.places + UInt32(place.rawValue))
        guard place.needsMark else { return .remove }
        return .replace(mark(of: bytes))
    }

    /// The mark that replaces a name by which records are distinguished: equal for equal names.
    func mark(of text: ArraySlice<UInt8>) -> String {
        "\(Self.mark)-\(SHA256.hex(SHA256.authenticationCode(Array(text), key: markKey).prefix(4)))"
    }

    /// Whether a log record's body is dropped.
    ///
    /// - Parameter hadMessage: Whether a text of the record's attributes was dropped; the body is then assumed to be part of it, unless
    ///   it is the event's name.
    /// - Parameter isStrict: Whether the body has no hidden bytes (``ContentReader/hasStrictBody``).
    mutating func drops(bodyOf record: Int, in otlp: OTLPBatch, hadMessage: Bool, isStrict: Bool) -> Bool {
        if isStrict, !LogBody.isMessage(record, of: otlp, hadMessage: hadMessage, rules) { return false }
        drops.append(Self.bodies)
        return true
    }

    /// 32 digits that are equal for equal values; nil without a key.
    private mutating func hash(_ value: AttributeValue, in otlp: OTLPBatch) -> String? {
        guard let key else { return nil }
        let text = otlp.text(of: value)
        if let known = hashes[text] { return known }
        let hash = SHA256.hex(SHA256.authenticationCode(Array(text.utf8), key: key).prefix(16))
        if hashes.count < Self.mostHashes { hashes[text] = hash }
        return hash
    }

    // MARK: - Counting

    private static let places: UInt32 = 1_000
    private static let bodies: UInt32 = 1_100
    private static let events: UInt32 = 1_101
    private static let textKeys: UInt32 = 1_102
    private static let others: UInt32 = 1_103
    private static let learned: UInt32 = 2_000

    /// Counts an attribute that was dropped or changed.
    private mutating func note(_ entry: AttributeEntry, in otlp: OTLPBatch) {
        guard entry.keyID == .unknown else { return drops.append(UInt32(entry.keyID.rawValue)) }
        let (keyClass, number) = find(entry.key, in: otlp)
        if keyClass == .text { return drops.append(Self.textKeys) }
        drops.append(number.map { Self.learned + UInt32($0) } ?? Self.others)
    }

    /// How many texts were dropped, by the name under which a configuration can keep them.
    func counts() -> [String: Int] {
        guard !drops.isEmpty else { return [:] }
        var byNumber: [UInt32: Int] = [:]
        for number in drops { byNumber[number, default: 0] += 1 }
        var counts: [String: Int] = [:]
        for (number, count) in byNumber { counts[name(of: number), default: 0] += count }
        return counts
    }

    private func name(of number: UInt32) -> String {
        switch number {
        case Self.bodies: return "log_bodies"
        case Self.events: return "span_events"
        case Self.textKeys: return "(keys that are sentences)"
        case Self.others: return IntakeLog.other
        case Self.learned...: return memory.key(Int(number - Self.learned))
        case Self.places...: return TextPlace(rawValue: UInt8(number - Self.places))?.key ?? IntakeLog.other
        default: return AttributeKey(rawValue: UInt16(number))?.name ?? IntakeLog.other
        }
    }
}

/// A cache of decisions on short texts of a batch: records repeat models, sessions and span names.
private struct KnownTexts {
    private var entries: [Entry] = []
    /// How many texts were looked up.
    private var asked = 0

    private struct Entry {
        var words: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
        /// The length in bytes, the kind and whether the text may stay; 0 for an empty slot.
        var facts: UInt32 = 0
    }

    private static let size = 128
    private static let longest = 40
    /// This many texts are decided without the cache: a small batch is not worth a table.
    private static let few = 64

    /// Whether a text may stay; `decide` is called for the first of equal texts, and its result must depend only on the text and the kind.
    @inline(__always)
    mutating func fits(
        _ text: UnsafeRawBufferPointer,
        as kind: UInt8,
        _ decide: (UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        guard text.count >= 8, text.count <= Self.longest, asked >= Self.few else {
            asked &+= 1
            return decide(text)
        }
        if entries.isEmpty { entries = [Entry](repeating: Entry(), count: Self.size) }
        let words = Self.words(text)
        var hash = (words.0 ^ words.4) &* 0x9e37_79b9_7f4a_7c15
        hash = (hash ^ words.1 ^ words.2 &* 0xc2b2_ae3d_27d4_eb4f ^ words.3) &* 0x9e37_79b9_7f4a_7c15
        let place = Int(truncatingIfNeeded: hash >> 57)
        let facts = UInt32(text.count) << 16 | UInt32(kind) << 8 | 2
        if entries[place].facts | 1 == facts | 1, entries[place].words == words { return entries[place].facts & 1 == 1 }
        let isFit = decide(text)
        entries[place] = Entry(words: words, facts: facts | (isFit ? 1 : 0))
        return isFit
    }

    /// The bytes of a text of 8 to 40 bytes as words; the last word ends where the text does.
    private static func words(_ text: UnsafeRawBufferPointer) -> (UInt64, UInt64, UInt64, UInt64, UInt64) {
        let last = text.count - 8
        func word(_ offset: Int) -> UInt64 {
            offset < last ? text.loadUnaligned(fromByteOffset: offset, as: UInt64.self) : 0
        }
        return (word(0), word(8), word(16), word(24), text.loadUnaligned(fromByteOffset: last, as: UInt64.self))
    }
}

/// Decides whether the body of a log record may stay.
enum LogBody {
    /// Whether the body is or may be a message: every text except the event's name and short names.
    ///
    /// - Parameter hadMessage: Whether the record's attributes held a message; the body is then assumed to be part of it, unless it is
    ///   the event's name.
    static func isMessage(_ record: Int, of otlp: OTLPBatch, hadMessage: Bool, _ rules: RedactionRules) -> Bool {
        let value = otlp.records[record].body
        switch value {
        case .empty, .bool, .int, .double: return false
        case .string(let slice):
            let text = otlp.bytes(of: slice)
            let name = eventName(of: record, in: otlp)
            if text.isEmpty || isName(text, name) || text.isNumber { return false }
            return hadMessage || isOfModelCall(name) || !rules.keeps(body: text) || hasMember(text)
        case .bytes:
            return hadMessage || isOfModelCall(eventName(of: record, in: otlp)) || !rules.keepsBytes
        case .array, .keyValueList:
            return hadMessage || isOfModelCall(eventName(of: record, in: otlp))
                || !rules.keeps(inside: value, under: .short, in: otlp)
                || hasMember(Array(otlp.text(of: value).utf8)[...])
        }
    }

    /// Whether a body is the event's name, with or without a namespace.
    private static func isName(_ body: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        !name.isEmpty && body.count >= name.count && body.suffix(name.count).elementsEqual(name)
            && body.count <= name.count + longestNamespace && TextShape.name.fits(body)
    }

    /// The body of Claude Code's records is the event's name with the prefix `claude_code.`.
    private static let longestNamespace = 32

    private static func eventName(of record: Int, in otlp: OTLPBatch) -> ArraySlice<UInt8> {
        if case .string(let slice)? = otlp.attribute(.eventName, record: record) { return otlp.bytes(of: slice) }
        return otlp.bytes(of: otlp.records[record].name)
    }

    /// Whether an event is one of OpenTelemetry's events of model calls, whose bodies are messages.
    private static func isOfModelCall(_ name: ArraySlice<UInt8>) -> Bool { name.starts(with: "gen_ai.".utf8) }

    /// Whether JSON text has a member, at any depth, that is typical of a message; the text is not parsed.
    private static func hasMember(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.first == UInt8(ascii: "{") || text.first == UInt8(ascii: "[") else { return false }
        var rest = text
        while let quote = rest.firstIndex(of: UInt8(ascii: "\"")) {
            rest = rest[(quote + 1)...]
            let name = rest.prefix(longestMember + 1).prefix { $0 != UInt8(ascii: "\"") }
            guard name.count <= longestMember else { continue }
            if members.contains(where: { $0.elementsEqual(name) }) { return true }
        }
        return false
    }

    private static let longestMember = 24
    private static let members: [[UInt8]] = MessageContent.bodyMembers.map { Array($0.utf8) }
}
