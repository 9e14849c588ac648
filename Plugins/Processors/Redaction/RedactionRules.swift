// SPDX-License-Identifier: Apache-2.0

import OTLP

/// What may be kept under each attribute key and in each other place.
final class RedactionRules: Sendable {
    private let hashed: NamePatterns
    private let kept: NamePatterns
    private let dropped: NamePatterns
    private let messages = NamePatterns(MessageContent.attributes)
    private let events = NamePatterns(MessageContent.spanEvents)
    private let own = NamePatterns(MessageContent.ownAttributes)
    private let allowsAllKeys: Bool
    let hashesAnything: Bool
    /// The classes of the known keys by number, so that their names need not be compared.
    private let classes: [KeyClass]
    /// The allowed forms of texts outside of attributes, by raw value; nil where every text is dropped.
    private let shapes: [TextShape?]
    /// Whether every text in a place is kept, by raw value.
    private let keptPlaces: [Bool]

    init(keep: [String] = [], drop: [String] = [], hash: [String] = [], allowsAllKeys: Bool = false) {
        let (hashed, kept, dropped) = (NamePatterns(hash), NamePatterns(keep), NamePatterns(drop))
        (self.hashed, self.kept, self.dropped) = (hashed, kept, dropped)
        self.allowsAllKeys = allowsAllKeys
        hashesAnything = !hash.isEmpty
        var classes = [KeyClass](repeating: .keep, count: AttributeKey.limit)
        for key in AttributeKey.all {
            let name = Array(key.name.utf8)[...]
            let isKept = allowsAllKeys || kept.hasPrefix(of: name)
            classes[Int(key.rawValue)] =
                hashed.hasName(name)
                ? .hash
                : kept.hasName(name)
                    ? .keep
                    : dropped.hasName(name) || messages.hasName(name) ? .drop : isKept ? .keep : KeyClass(of: key)
        }
        self.classes = classes
        shapes = TextPlace.allCases.map(\.shape)

        keptPlaces = TextPlace.allCases.map { place in
            let name = Array(place.key.utf8)[...]
            return allowsAllKeys || kept.hasName(name) || kept.hasPrefix(of: name)
        }
    }

    /// The class of a key that is known by number.
    func keyClass(of key: AttributeKey) -> KeyClass { classes[Int(key.rawValue)] }

    /// The class of any other key.
    ///
    /// A name in a list takes precedence over a pattern, hashing over keeping, and keeping over dropping.
    func keyClass(ofName name: ArraySlice<UInt8>) -> KeyClass {
        if hashed.hasName(name) { return .hash }
        if kept.hasName(name) { return .keep }
        if dropped.hasName(name) { return .drop }
        if kept.hasPrefix(of: name) { return .keep }
        if dropped.hasPrefix(of: name) { return .drop }
        if own.hasName(name) { return .label }
        if messages.hasName(name) || messages.hasPrefix(of: name) { return .drop }
        return allowsAllKeys ? .keep : KeyClass(ofKey: name)
    }

    /// Whether a span event is dropped: because of its name, or because its name is a sentence; Rust's `tracing` puts log messages
    /// there.
    func isMessage(eventNamed name: ArraySlice<UInt8>) -> Bool {
        name.contains { $0 == 32 || (9...13).contains($0) } || events.hasName(name) || events.hasPrefix(of: name)
            || !allowsAllKeys && !TextShape.name.fits(name)
    }

    /// Whether a text in a place outside of attributes may stay.
    func keeps(_ text: ArraySlice<UInt8>, at place: TextPlace) -> Bool {
        if keptPlaces[Int(place.rawValue)] { return true }
        guard let shape = shapes[Int(place.rawValue)] else { return false }
        return shape.fits(text)
    }

    /// Whether the form of a body, or of a value inside another, allows it to stay.
    func keeps(body text: ArraySlice<UInt8>) -> Bool { allowsAllKeys || TextShape.short.fits(text.unquoted) }

    /// Whether bodies of bytes are kept.
    var keepsBytes: Bool { allowsAllKeys }

    /// Whether an error that `tokens` extracted from a call may stay: one word, or a status in fixed words.
    func keeps(error text: String) -> Bool {
        if keyClass(of: .error) == .keep { return true }
        return TextShape.error.fits(Array(text.hasPrefix("status ") ? text.utf8.dropFirst(7) : text.utf8[...])[...])
    }

    /// Whether a service tier or a region that `tokens` extracted may stay.
    func keeps(term text: String) -> Bool { allowsAllKeys || TextShape.short.fits(Array(text.utf8)[...]) }

    /// Whether a list or a map may stay under a key.
    ///
    /// The words of a list, and the unknown keys of a map, are judged together, under keys for names as well: a sentence can arrive word
    /// by word. Equal words count once, because `["stop","stop"]` says no more than one of them.
    func keeps(inside value: AttributeValue, under keyClass: KeyClass, in otlp: OTLPBatch) -> Bool {
        if allowsAllKeys { return true }
        guard keyClass != .content else { return false }
        var words = 0
        var seen: Set<ArraySlice<UInt8>> = []
        var names = FigureNames()
        func isOneOfFew(_ text: ArraySlice<UInt8>) -> Bool {
            guard seen.insert(text).inserted else { return true }
            words += 1 + text.count { $0 == UInt8(ascii: " ") }
            return words <= TextShape.short.mostWords
        }
        var (series, codes) = (Slice?.none, CharacterCodes())
        return otlp.allInside(value) { key, value in
            if key != series { (series, codes) = (key, CharacterCodes()) }
            if let key {
                let name = otlp.bytes(of: key)
                let inner = KeyClass(ofKey: name)
                guard inner != .drop, TextShape.key.fits(name) else { return false }
                if keyClass == .figures {
                    guard TextShape.member.fits(name), names.keeps(name) else { return false }
                } else if codes.isEmpty, inner == .short || inner == .content {
                    words += name.withUnsafeBytes { max(1, JoinedWords.count($0, 2)) }
                    guard words <= TextShape.short.mostWords else { return false }
                }
            }
            switch value {
            case .empty, .bool: return true
            case .int(let number): return codes.take(Double(number))
            case .double(let number): return codes.take(number)
            case .string(let slice):
                let text = otlp.bytes(of: slice)
                if text.isNumber, let code = Double(String(decoding: text, as: UTF8.self)), !codes.take(code) {
                    return false
                }
                if text.isEmpty || text.isNumber { return true }
                guard let key else {
                    let isNamed = keyClass == .name || keyClass == .label
                    return (isNamed ? TextShape.name : .word).fits(text) && isOneOfFew(text)
                }
                // An argument may be a single word: inside a list only values under keys for names are kept.
                let inner = KeyClass(ofKey: otlp.bytes(of: key))
                return (inner == .name || inner == .term) && TextShape.word.fits(text) && isOneOfFew(text)
            case .bytes, .array, .keyValueList: return false
            }
        }
    }
}

/// Distinguishes figures from a text sent as the codes of its characters, which are all printable and mostly letters.
private struct CharacterCodes {
    private var count = 0
    private var letters = 0
    private var hasOthers = false

    /// The fewest codes to consider; four words have more.
    private static let fewest = 8

    var isEmpty: Bool { count == 0 }

    /// Adds the next number; false when the numbers so far are a text.
    mutating func take(_ number: Double) -> Bool {
        count += 1
        switch number {
        case 65...90, 97...122, 0xc0...0x2_ffff: letters += 1
        case 9, 10, 13, 32...126: break
        default: hasOthers = true
        }
        if number != number.rounded() { hasOthers = true }
        return hasOthers || count < Self.fewest || letters * 2 <= count
    }
}

extension TextPlace {
    /// The name of the place in the configuration and in the data quality report.
    var key: String {
        switch self {
        case .spanName: "span.name"
        case .traceState, .linkTraceState: "trace_state"
        case .statusMessage: "status.message"
        case .eventName: "span_event.name"
        case .severityText: "severity_text"
        case .logEventName: "event_name"
        case .scopeName: "scope.name"
        case .scopeVersion: "scope.version"
        case .schemaURL: "schema_url"
        case .entityReference: "entity_refs"
        case .metricName: "metric.name"
        case .metricDescription: "metric.description"
        case .metricUnit: "metric.unit"
        case .unknownField: "unknown_fields"
        }
    }

    /// The allowed form of a text; nil where every text is dropped.
    fileprivate var shape: TextShape? {
        switch self {
        case .statusMessage, .metricDescription, .unknownField: nil
        case .traceState, .linkTraceState: TextShape(longest: 512, mostWords: 1, like: .title)
        case .spanName, .metricName, .metricUnit: .title
        case .severityText: TextShape(longest: 24, mostWords: 1, like: .word)
        case .eventName, .logEventName, .scopeName, .entityReference: .name
        case .scopeVersion: TextShape(longest: 64, mostWords: 2, like: .name)
        case .schemaURL: TextShape(longest: 256, mostWords: 1, like: .name)
        }
    }

    /// Whether a mark must replace a dropped text, because records are distinguished by it.
    var needsMark: Bool {
        switch self {
        case .spanName, .scopeName, .metricName: true
        default: false
        }
    }
}
