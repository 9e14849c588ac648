// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import OTLP

/// Writes the records of an OTLP request as rows of the tables that the OpenTelemetry Collector's exporter makes.
struct RecordRows {
    private let otlp: OTLPBatch

    init(_ otlp: OTLPBatch) { self.otlp = otlp }

    /// The rows of all records, in the columns of ``Tables``; none for metrics.
    var bytes: [UInt8] {
        var rows = RowBinary()
        for resource in otlp.resources.indices {
            let attributes = pairs(.resource(resource))
            let service = attributes.last { $0.key == "service.name" }?.value ?? ""
            for scope in otlp.resources[resource].scopes {
                let context = Context(
                    resource: attributes,
                    service: service,
                    resourceSchema: otlp.resources[resource].schemaURL,
                    scope: otlp.scopes[scope],
                    scopeAttributes: otlp.signal == .logs ? pairs(.scope(scope)) : []
                )
                for record in otlp.scopes[scope].records where otlp.isLive(record: record) {
                    switch otlp.signal {
                    case .logs: writeLog(record, context, to: &rows)
                    case .traces: writeSpan(record, context, to: &rows)
                    case .metrics: break
                    }
                }
            }
        }
        return rows.bytes
    }

    /// What the rows of a scope have in common.
    private struct Context {
        var resource: [(key: String, value: String)]
        var service: String
        var resourceSchema: Slice
        var scope: ScopeEntry
        var scopeAttributes: [(key: String, value: String)]
    }

    /// The attributes of an owner as texts; of two with one key the last counts.
    private func pairs(_ owner: AttributeOwner) -> [(key: String, value: String)] {
        var pairs: [(key: String, value: String)] = []
        var places: [String: Int] = [:]
        otlp.forEachAttribute(of: owner) { entry in
            let (key, value) = (otlp.string(entry.key), otlp.text(of: entry.value))
            if let place = places[key] {
                pairs[place].value = value
            } else {
                places[key] = pairs.count
                pairs.append((key, value))
            }
        }
        return pairs
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func trace(_ record: RecordEntry) -> String {
        record.traceHigh == 0 && record.traceLow == 0 ? "" : hex(record.traceHigh) + hex(record.traceLow)
    }

    private static func span(_ id: UInt64) -> String { id == 0 ? "" : hex(id) }

    /// A time as `DateTime64(9)` has it.
    private static func time(_ nanoseconds: UInt64) -> Int64 { Int64(clamping: nanoseconds) }

    // MARK: - Logs

    private func writeLog(_ record: Int, _ context: Context, to rows: inout RowBinary) {
        let entry = otlp.records[record]
        var (severity, flags) = (ArraySlice<UInt8>(), UInt64(0))
        var fields = MessageFields(otlp.bytes(of: entry.message))
        while let field = fields.next() {
            // LogRecord: severity_text and flags, which the index of a batch does not have.
            switch (field.number, field.value) {
            case (3, .bytes(let text)): severity = text
            case (8, .fixed(let number)): flags = number
            default: break
            }
        }
        rows.number(Self.time(entry.time > 0 ? entry.time : entry.observedTime))
        rows.text(Self.trace(entry))
        rows.text(Self.span(entry.spanID))
        rows.number(UInt8(truncatingIfNeeded: flags))
        rows.text(severity)
        rows.number(entry.severity)
        rows.text(context.service)
        rows.text(entry.bodyKind == .empty ? "" : otlp.text(of: entry.body))
        rows.text(otlp.bytes(of: context.resourceSchema))
        rows.map(context.resource)
        rows.text(otlp.bytes(of: context.scope.schemaURL))
        rows.text(otlp.bytes(of: context.scope.name))
        rows.text(otlp.bytes(of: context.scope.version))
        rows.map(context.scopeAttributes)
        rows.map(pairs(.record(record)))
    }

    // MARK: - Spans

    private static let kinds = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]
    private static let statuses = ["Unset", "Ok", "Error"]

    private func writeSpan(_ record: Int, _ context: Context, to rows: inout RowBinary) {
        let entry = otlp.records[record]
        let rest = SpanRest(otlp.bytes(of: entry.message))
        rows.number(Self.time(entry.startTime))
        rows.text(Self.trace(entry))
        rows.text(Self.span(entry.spanID))
        rows.text(Self.span(entry.parentSpanID))
        rows.text(rest.state)
        rows.text(otlp.bytes(of: entry.name))
        rows.text(Self.kinds.indices.contains(Int(entry.kind)) ? Self.kinds[Int(entry.kind)] : Self.kinds[0])
        rows.text(context.service)
        rows.map(context.resource)
        rows.text(otlp.bytes(of: context.scope.name))
        rows.text(otlp.bytes(of: context.scope.version))
        rows.map(pairs(.record(record)))
        rows.number(entry.endTime >= entry.startTime ? entry.endTime - entry.startTime : 0)
        rows.text(Self.statuses[min(Int(entry.statusCode), 2)])
        rows.text(rest.message)
        rows.list(rest.events) { $0.number(Self.time($1.time)) }
        rows.list(rest.events) { $0.text($1.name) }
        rows.list(rest.events) { $0.map($1.attributes) }
        rows.list(rest.links) { $0.text($1.trace) }
        rows.list(rest.links) { $0.text($1.span) }
        rows.list(rest.links) { $0.text($1.state) }
        rows.list(rest.links) { $0.map($1.attributes) }
    }
}

/// What the index of a batch does not have of a span: its state, status message, events and links.
private struct SpanRest {
    var state = ArraySlice<UInt8>()
    var message = ArraySlice<UInt8>()
    var events: [Event] = []
    var links: [Link] = []

    struct Event {
        var time: UInt64 = 0
        var name = ArraySlice<UInt8>()
        var attributes: [(key: String, value: String)] = []
    }

    struct Link {
        var trace = ""
        var span = ""
        var state = ArraySlice<UInt8>()
        var attributes: [(key: String, value: String)] = []
    }

    init(_ span: ArraySlice<UInt8>) {
        var fields = MessageFields(span)
        while let field = fields.next() {
            guard case .bytes(let bytes) = field.value else { continue }
            switch field.number {
            case 3: state = bytes
            case 11: events.append(Self.event(bytes))
            case 13: links.append(Self.link(bytes))
            case 15:
                var status = MessageFields(bytes)
                while let field = status.next() {
                    if field.number == 2, case .bytes(let text) = field.value { message = text }
                }
            default: break
            }
        }
    }

    private static func event(_ bytes: ArraySlice<UInt8>) -> Event {
        var event = Event()
        var fields = MessageFields(bytes)
        while let field = fields.next() {
            switch (field.number, field.value) {
            case (1, .fixed(let time)): event.time = time
            case (2, .bytes(let name)): event.name = name
            case (3, .bytes(let pair)): event.attributes.append(AnyValueText.pair(pair))
            default: break
            }
        }
        return event
    }

    private static func link(_ bytes: ArraySlice<UInt8>) -> Link {
        func hex(_ bytes: ArraySlice<UInt8>) -> String {
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        var link = Link()
        var fields = MessageFields(bytes)
        while let field = fields.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let id)): link.trace = hex(id)
            case (2, .bytes(let id)): link.span = hex(id)
            case (3, .bytes(let state)): link.state = state
            case (4, .bytes(let pair)): link.attributes.append(AnyValueText.pair(pair))
            default: break
            }
        }
        return link
    }
}

/// Values of attributes as text, those in lists and maps in a form like JSON.
private enum AnyValueText {
    static func pair(_ bytes: ArraySlice<UInt8>, depth: Int = 0) -> (key: String, value: String) {
        var (key, text) = ("", "")
        var fields = MessageFields(bytes)
        while let field = fields.next() {
            guard case .bytes(let bytes) = field.value else { continue }
            if field.number == 1 { key = String(decoding: bytes, as: UTF8.self) }
            if field.number == 2 { text = value(bytes, depth: depth) }
        }
        return (key, text)
    }

    private static func value(_ bytes: ArraySlice<UInt8>, depth: Int) -> String {
        var fields = MessageFields(bytes)
        guard depth < 32, let field = fields.next() else { return "" }
        switch (field.number, field.value) {
        case (1, .bytes(let text)): return String(decoding: text, as: UTF8.self)
        case (2, .number(let flag)): return flag == 0 ? "false" : "true"
        case (3, .number(let number)): return String(Int64(bitPattern: number))
        case (4, .fixed(let bits)): return Double(bitPattern: bits).description
        case (5, .bytes(let list)): return "[\(elements(list) { value($0, depth: depth + 1) })]"
        case (6, .bytes(let list)):
            let members = elements(list) { bytes in
                let member = pair(bytes, depth: depth + 1)
                return "\(member.key):\(member.value)"
            }
            return "{\(members)}"
        case (7, .bytes(let bytes)): return Data(bytes).base64EncodedString()
        default: return ""
        }
    }

    private static func elements(_ list: ArraySlice<UInt8>, _ text: (ArraySlice<UInt8>) -> String) -> String {
        var (fields, texts) = (MessageFields(list), [String]())
        while let field = fields.next() {
            if field.number == 1, case .bytes(let element) = field.value { texts.append(text(element)) }
        }
        return texts.joined(separator: ",")
    }
}

/// The fields of a protobuf message, one after the other; what cannot be read ends them.
private struct MessageFields {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    enum Value {
        case number(UInt64)
        case fixed(UInt64)
        case bytes(ArraySlice<UInt8>)
    }

    init(_ bytes: ArraySlice<UInt8>) { (self.bytes, position) = (bytes, bytes.startIndex) }

    mutating func next() -> (number: Int, value: Value)? {
        guard let tag = number() else { return nil }
        let field = Int(truncatingIfNeeded: tag >> 3)
        switch tag & 7 {
        case 0: return number().map { (field, .number($0)) }
        case 1: return fixed(8).map { (field, .fixed($0)) }
        case 2:
            guard let length = number(), length <= UInt64(bytes.endIndex - position) else { return nil }
            defer { position += Int(length) }
            return (field, .bytes(bytes[position..<position + Int(length)]))
        case 5: return fixed(4).map { (field, .fixed($0)) }
        default: return nil
        }
    }

    private mutating func number() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < bytes.endIndex else { return nil }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    private mutating func fixed(_ size: Int) -> UInt64? {
        guard bytes.endIndex - position >= size else { return nil }
        defer { position += size }
        return bytes[position..<position + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
