// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSON
import OTLP

/// What a plugin says of itself: with `--describe` on its standard output, and in its HELLO.
struct PluginDescription: Sendable, Equatable {
    /// The range of protocol versions that this collector speaks.
    static let protocols = 1...1

    /// What of a description was wrong.
    struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        let description: String
    }

    /// One component type that the plugin offers.
    struct Offer: Sendable, Equatable {
        var kind: ComponentKind
        var type: String
        var summary = ""
        var signals = Signal.allCases
        /// The JSON Schema of its configuration; nil when it has none.
        var schema: JSONValue?
        /// The batches that may be open at once.
        var maxInFlight = 1
        /// Whether a processor or exporter gets, beside the records, the calls that were found in them.
        var wantsCalls = false
        /// Whether a processor may answer with a whole request in place of a delta.
        var answersWhole = false
    }

    /// The lowest and highest protocol version it speaks.
    var versions: ClosedRange<Int>
    var name: String
    var version = ""
    var components: [Offer]

    /// The highest version both sides speak; nil when there is none.
    var common: Int? {
        let range = versions.clamped(to: Self.protocols)
        return versions.overlaps(Self.protocols) ? range.upperBound : nil
    }

    /// Reads a description; members that are not known are stepped over.
    init(parsing bytes: [UInt8]) throws(Problem) {
        var reader = JSONReader(bytes)
        let value: JSONValue
        do throws(JSONError) {
            value = try reader.value()
            try reader.finish()
        } catch {
            throw Problem(description: "the description is no JSON: \(error.message) at byte \(error.offset)")
        }
        guard case .object(let members) = value else { throw Problem(description: "the description is no JSON object") }
        versions = try Self.versions(members["protocol"])
        guard case .string(let name)? = members["name"], !name.isEmpty else {
            throw Problem(description: "the description has no name")
        }
        self.name = name
        if case .string(let version)? = members["version"] { self.version = version }
        guard case .array(let elements)? = members["components"], !elements.isEmpty else {
            throw Problem(description: "the description has no components")
        }
        components = []
        for element in elements { components.append(try Self.offer(element)) }
        for (position, offer) in components.enumerated()
        where components[..<position].contains(where: { $0.kind == offer.kind && $0.type == offer.type }) {
            throw Problem(description: "the \(offer.kind.singular) \(offer.type) is described twice")
        }
    }

    private static func versions(_ value: JSONValue?) throws(Problem) -> ClosedRange<Int> {
        guard case .array(let bounds)? = value, bounds.count == 2, case .number(let low) = bounds[0],
            case .number(let high) = bounds[1], let low = Int(low), let high = Int(high), low <= high
        else { throw Problem(description: "protocol is no range such as [1, 1]") }
        return low...high
    }

    private static func offer(_ value: JSONValue) throws(Problem) -> Offer {
        guard case .object(let members) = value else { throw Problem(description: "a component is no JSON object") }
        guard case .string(let type)? = members["type"], let id = ComponentID(type), id.description == id.type else {
            throw Problem(description: "a component has no type, or one that is no component id")
        }
        guard case .string(let word)? = members["kind"],
            let kind = [ComponentKind.receiver, .processor, .exporter].first(where: { $0.singular == word })
        else { throw Problem(description: "\(type): kind is receiver, processor or exporter") }
        var offer = Offer(kind: kind, type: type)
        if case .string(let summary)? = members["summary"] { offer.summary = summary }
        if let wants = members["wants"] {
            guard case .array(let words) = wants,
                words.allSatisfy({ $0 == .string("records") || $0 == .string("calls") })
            else { throw Problem(description: "\(type): wants is a list of records and calls") }
            offer.wantsCalls = words.contains(.string("calls"))
        }
        if let answers = members["answers"] {
            guard answers == .string("delta") || answers == .string("batch") else {
                throw Problem(description: "\(type): answers is delta or batch")
            }
            offer.answersWhole = answers == .string("batch")
        }
        if let signals = members["signals"] { offer.signals = try Self.signals(signals, of: type) }
        if let schema = members["schema"] {
            guard case .object = schema else { throw Problem(description: "\(type): schema is no JSON object") }
            try checkNames(schema, kind, type)
            offer.schema = schema
        }
        if let value = members["max_in_flight"] {
            guard case .number(let text) = value, let number = Int(text), (1...64).contains(number) else {
                throw Problem(description: "\(type): max_in_flight is a number from 1 to 64")
            }
            offer.maxInFlight = number
        }
        return offer
    }

    /// Refuses keys that the collector reads itself.
    private static func checkNames(_ schema: JSONValue, _ kind: ComponentKind, _ type: String) throws(Problem) {
        let taken: [String] =
            switch kind {
            case .processor: PluginProcessorKeys.documentation.keys.sorted()
            case .exporter: PluginExporterKeys.documentation.keys.sorted()
            case .receiver, .connector, .extension: []
            }
        guard let name = PluginSchema(schema).names.first(where: { taken.contains($0) }) else { return }
        throw Problem(description: "\(type): the key \(name) is read by the collector itself; name it otherwise")
    }

    private static func signals(_ value: JSONValue, of type: String) throws(Problem) -> [Signal] {
        guard case .array(let elements) = value, !elements.isEmpty else {
            throw Problem(description: "\(type): signals is a list of traces, logs and metrics")
        }
        var signals: [Signal] = []
        for element in elements {
            guard case .string(let word) = element, let signal = Signal(rawValue: word), !signals.contains(signal)
            else { throw Problem(description: "\(type): signals is a list of traces, logs and metrics") }
            signals.append(signal)
        }
        return signals
    }
}

extension JSONValue {
    /// The value as JSON, the members of an object in alphabetical order.
    var jsonText: String {
        switch self {
        case .null: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let text): return text
        case .string(let text): return text.jsonString
        case .array(let values): return "[" + values.map(\.jsonText).joined(separator: ",") + "]"
        case .object(let members):
            let texts = members.sorted { $0.key < $1.key }.map { "\($0.key.jsonString):\($0.value.jsonText)" }
            return "{" + texts.joined(separator: ",") + "}"
        }
    }
}
