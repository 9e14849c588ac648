// SPDX-License-Identifier: Apache-2.0

import OTLP

/// What may stand under each key and in each place that is no attribute.
final class RedactionRules: Sendable {
    private let hashed: NamePatterns
    private let kept: NamePatterns
    private let dropped: NamePatterns
    private let messages = NamePatterns(MessageContent.attributes)
    private let events = NamePatterns(MessageContent.spanEvents)
    private let own = NamePatterns(MessageContent.ownAttributes)
    private let allowsAllKeys: Bool
    let hashesAnything: Bool
    /// The classes of the keys that are known by number: most of those there are, without comparing their names.
    private let classes: [KeyClass]
    /// The forms of texts in places that are no attributes, by raw value; nil where every text goes.
    private let shapes: [TextShape?]
    /// Whether every text in a place stays, by raw value.
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

    /// The class of any other key: a name in a list decides over a pattern, hashing over keeping and keeping over dropping.
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

    /// Whether a span event goes: by its name, or because its name is a sentence, which is where Rust's `tracing` puts what was
    /// logged.
    func isMessage(eventNamed name: ArraySlice<UInt8>) -> Bool {
        name.contains { $0 == 32 || (9...13).contains($0) } || events.hasName(name) || events.hasPrefix(of: name)
            || !allowsAllKeys && !TextShape.name.fits(name)
    }

    /// Whether a text may stay in a place that is no attribute.
    func keeps(_ text: ArraySlice<UInt8>, at place: TextPlace) -> Bool {
        if keptPlaces[Int(place.rawValue)] { return true }
        guard let shape = shapes[Int(place.rawValue)] else { return false }
        return shape.fits(text)
    }

    /// Whether a body or a value inside another may stay as far as its form goes.
    func keeps(body text: ArraySlice<UInt8>) -> Bool { allowsAllKeys || TextShape.short.fits(text.unquoted) }

    /// Whether bodies of bytes stay.
    var keepsBytes: Bool { allowsAllKeys }

    /// Whether what `tokens` took for the error of a call may stay: one word, or a status in its own words.
    func keeps(error text: String) -> Bool {
        if keyClass(of: .error) == .keep { return true }
        return TextShape.error.fits(Array(text.hasPrefix("status ") ? text.utf8.dropFirst(7) : text.utf8[...])[...])
    }

    /// Whether what `tokens` took for a service tier or a region may stay.
    func keeps(term text: String) -> Bool { allowsAllKeys || TextShape.short.fits(Array(text.utf8)[...]) }

    /// Whether a list or an array may stay under a key.
    ///
    /// The words of an array, and the keys of a map that name nothing known, are judged together: a sentence can come word by word.
    func keeps(inside value: AttributeValue, under keyClass: KeyClass, in otlp: OTLPBatch) -> Bool {
        if allowsAllKeys { return true }
        guard keyClass != .content else { return false }
        var words = 0
        var (series, codes) = (Slice?.none, CharacterCodes())
        return otlp.allInside(value) { key, value in
            if key != series { (series, codes) = (key, CharacterCodes()) }
            if let key {
                let name = otlp.bytes(of: key)
                let inner = KeyClass(ofKey: name)
                guard inner != .drop, TextShape.key.fits(name) else { return false }
                if keyClass == .figures {
                    guard TextShape.member.fits(name) else { return false }
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
                guard let key else {
                    if keyClass == .name || keyClass == .label { return TextShape.name.fits(text) }
                    words += text.isEmpty || text.isNumber ? 0 : 1
                    return words <= TextShape.short.mostWords && TextShape.word.fits(text)
                }
                if text.isEmpty || text.isNumber { return true }
                // An argument may well be one word: inside a list only what is a name by its key stays.
                let inner = KeyClass(ofKey: otlp.bytes(of: key))
                return (inner == .name || inner == .term) && TextShape.word.fits(text)
            case .bytes, .array, .keyValueList: return false
            }
        }
    }
}

/// Tells a text that comes as the codes of its characters from figures: all are printable, and most are letters.
private struct CharacterCodes {
    private var count = 0
    private var letters = 0
    private var hasOthers = false

    /// Fewer than four words have.
    private static let fewest = 8

    var isEmpty: Bool { count == 0 }

    /// Takes the next number; false when those so far are a text.
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
    /// What the place is called in the configuration and in data quality.
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

    /// The form of a text that may stay; nil where every text goes.
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

    /// Whether something must be left: records are told apart by it.
    var needsMark: Bool {
        switch self {
        case .spanName, .scopeName, .metricName: true
        default: false
        }
    }
}
