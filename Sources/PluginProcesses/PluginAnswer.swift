// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What became of a batch that a plugin was given, or that it gave.
///
/// ```
/// u8 outcome | u8 body | u16 zero | u32 argument | rest
/// outcome 0 ok       body 0 none, 1 delta, 2 batch (the whole request)
///         1 retry    argument: milliseconds; rest: the reason
///         2 refused  rest: the reason
///         3 partial  argument: how many records were refused; rest: their numbers, u32 each, then the reason
/// ```
enum PluginAnswer: Sendable, Equatable {
    case ok(Body)
    case retry(String, after: Duration)
    case refused(String)
    case partial(records: [Int], String)
    /// The plugin gave no answer that can be used: it does not run, ended, was too slow, or broke the protocol. Never on the wire.
    case unanswered(String)

    /// What a processor made of the batch.
    enum Body: Sendable, Equatable {
        case none
        case delta([PluginChange])
        case batch([UInt8])
    }

    /// The longest reason that is kept, in bytes.
    private static let longestReason = 1_024

    /// Reads the payload of a RESULT.
    init(parsing payload: [UInt8]) throws(PluginFault) {
        guard payload.count >= 8 else { throw PluginFault(message: "a RESULT has fewer than 8 bytes") }
        let argument = Int(payload.littleEndian(UInt32.self, at: 4))
        let rest = payload[8...]
        switch payload[0] {
        case 0: self = .ok(try Self.body(payload[1], rest))
        case 1: self = .retry(Self.reason(rest), after: .milliseconds(argument))
        case 2: self = .refused(Self.reason(rest))
        case 3:
            guard argument <= rest.count / 4 else { throw PluginFault(message: "a RESULT ends within its records") }
            let records = (0..<argument).map { Int(payload.littleEndian(UInt32.self, at: 8 + 4 * $0)) }
            self = .partial(records: records, Self.reason(rest.dropFirst(4 * argument)))
        default: throw PluginFault(message: "a RESULT has the unknown outcome \(payload[0])")
        }
    }

    private static func body(_ form: UInt8, _ bytes: ArraySlice<UInt8>) throws(PluginFault) -> Body {
        switch form {
        case 0: return .none
        case 1: return .delta(try PluginChange.list(parsing: bytes))
        case 2: return .batch(Array(bytes))
        default: throw PluginFault(message: "a RESULT has the unknown body \(form)")
        }
    }

    private static func reason(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix(longestReason), as: UTF8.self)
    }

    /// The answer as the payload of a RESULT; for batches that a receiver emits, so without a body.
    var payload: [UInt8] {
        var bytes: [UInt8] = []
        func head(_ outcome: UInt8, _ argument: Int) {
            bytes += [outcome, 0, 0, 0]
            bytes.append(littleEndian: UInt32(clamping: argument))
        }
        switch self {
        case .ok: head(0, 0)
        case .retry(let reason, let wait):
            head(1, Int(wait / .milliseconds(1)))
            bytes += reason.utf8
        case .refused(let reason):
            head(2, 0)
            bytes += reason.utf8
        case .unanswered(let reason):
            head(1, 1_000)
            bytes += reason.utf8
        case .partial(let records, let reason):
            head(3, records.count)
            for record in records { bytes.append(littleEndian: UInt32(clamping: record)) }
            bytes += reason.utf8
        }
        return bytes
    }
}

/// One change that a processor asks for; records are numbered from 0 in the order of their bytes.
///
/// ```
/// u8 operation | u8 owner | u16 length of the key | u32 record | u32 length of the value | key | value
/// operation 1 drop, 2 set (the value is an AnyValue of OTLP), 3 unset, 4 label (the key is one of ``CallLabel``, the value an AnyValue)
/// owner     0 the record, 1 its scope, 2 its resource
/// ```
struct PluginChange: Sendable, Equatable {
    enum Operation: Sendable, Equatable {
        case drop
        case set(String, AttributeScalar, Owner)
        case unset(String, Owner)
        /// The calls that `tokens` found in the record get a name that they lack.
        case label(CallLabel, String)
    }

    enum Owner: UInt8, Sendable {
        case record = 0
        case scope = 1
        case resource = 2
    }

    var record: Int
    var operation: Operation

    private static let headerSize = 12

    /// Reads the changes one after the other.
    static func list(parsing bytes: ArraySlice<UInt8>) throws(PluginFault) -> [PluginChange] {
        var changes: [PluginChange] = []
        let raw = bytes.span.bytes
        var place = 0
        var former: (place: Int, size: Int)?
        while place < raw.byteCount {
            guard raw.byteCount - place >= headerSize else {
                throw PluginFault(message: "a delta ends within a change")
            }
            let key = Int(UInt16(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: place + 2, as: UInt16.self)))
            let record = Int(UInt32(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: place + 4, as: UInt32.self)))
            let value = Int(UInt32(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: place + 8, as: UInt32.self)))
            guard raw.byteCount - place - headerSize >= key + value else {
                throw PluginFault(message: "a delta ends within a change")
            }
            let size = headerSize + key + value
            defer { place += size }
            // Most deltas do the same to every record: one text is made for all.
            if let former, former.size == size, isSame(raw, former.place, place, size) {
                changes.append(PluginChange(record: record, operation: changes[changes.count - 1].operation))
                continue
            }
            let start = bytes.startIndex + place
            let made = try operation(
                bytes[start],
                bytes[start + 1],
                key: bytes[start + headerSize..<start + headerSize + key],
                value: bytes[start + headerSize + key..<start + size]
            )
            changes.append(PluginChange(record: record, operation: made))
            former = (place, size)
        }
        return changes
    }

    /// Whether two changes of one size differ in nothing but their records.
    private static func isSame(_ raw: RawSpan, _ left: Int, _ right: Int, _ size: Int) -> Bool {
        // The number of the record is the bytes 4 to 7.
        for offset in 0..<size where !(4..<8).contains(offset) {
            let mine = raw.unsafeLoadUnaligned(fromByteOffset: left + offset, as: UInt8.self)
            guard mine == raw.unsafeLoadUnaligned(fromByteOffset: right + offset, as: UInt8.self) else { return false }
        }
        return true
    }

    private static func operation(
        _ code: UInt8,
        _ owner: UInt8,
        key: ArraySlice<UInt8>,
        value: ArraySlice<UInt8>
    ) throws(PluginFault) -> Operation {
        if code == 1 { return .drop }
        guard let owner = Owner(rawValue: owner) else {
            throw PluginFault(message: "a delta names the unknown owner \(owner)")
        }
        guard !key.isEmpty, let name = String(validating: key, as: UTF8.self) else {
            throw PluginFault(message: "a delta has an attribute whose key is empty or no UTF-8")
        }
        switch code {
        case 2: return .set(name, try scalar(value), owner)
        case 3: return .unset(name, owner)
        case 4:
            guard let label = CallLabel(rawValue: name) else {
                throw PluginFault(message: "a delta sets the unknown label \(name.prefix(64)) of a call")
            }
            guard case .string(let text) = try scalar(value) else {
                throw PluginFault(message: "a delta sets the label \(name) of a call to what is no text")
            }
            return .label(label, text)
        default: throw PluginFault(message: "a delta has the unknown operation \(code)")
        }
    }

    /// An AnyValue with one text, flag or number.
    private static func scalar(_ bytes: ArraySlice<UInt8>) throws(PluginFault) -> AttributeScalar {
        let unusable = PluginFault(message: "a delta sets a value that is no AnyValue with a text, flag or number")
        guard let tag = bytes.first else { throw unusable }
        let body = bytes.dropFirst()
        if tag == 0x21 {
            guard body.count == 8 else { throw unusable }
            return .double(Double(bitPattern: body.littleEndian(UInt64.self, at: body.startIndex)))
        }
        guard let (number, end) = varint(body) else { throw unusable }
        switch tag {
        case 0x0A:
            guard number == UInt64(body.endIndex - end), let text = String(validating: body[end...], as: UTF8.self)
            else { throw unusable }
            return .string(text)
        case 0x10 where end == body.endIndex: return .bool(number != 0)
        case 0x18 where end == body.endIndex: return .int(Int64(bitPattern: number))
        default: throw unusable
        }
    }

    private static func varint(_ bytes: ArraySlice<UInt8>) -> (UInt64, end: Int)? {
        var number: UInt64 = 0
        for (place, byte) in bytes.prefix(10).enumerated() {
            number |= UInt64(byte & 0x7F) << UInt64(7 * place)
            if byte < 0x80 { return (number, bytes.startIndex + place + 1) }
        }
        return nil
    }
}

/// What a BATCH or an EMIT carries.
///
/// ```
/// u8 signal (1 traces, 2 metrics, 3 logs) | u8 flags | u16 zero | calls | OTLP, the Export…ServiceRequest in protobuf
/// calls, only with flag 1: u32 length | one JSON object a line
/// ```
enum PluginBatch {
    private static let withCalls: UInt8 = 1

    /// A whole BATCH frame whose id is set when it is sent; made in one piece, so that the request is copied once.
    static func frame(_ signal: Signal, _ request: [ArraySlice<UInt8>], calls: [UInt8]? = nil) -> [UInt8] {
        let code: UInt8 =
            switch signal {
            case .traces: 1
            case .metrics: 2
            case .logs: 3
            }
        let size = request.reduce(4 + (calls.map { $0.count + 4 } ?? 0)) { $0 + $1.count }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(PluginFrame.headerSize + size)
        bytes.append(littleEndian: UInt32(clamping: size))
        bytes += [PluginFrame.Kind.batch.rawValue, 0, 0, 0]
        bytes.append(littleEndian: UInt64(0))
        bytes += [code, calls == nil ? 0 : withCalls, 0, 0]
        if let calls {
            bytes.append(littleEndian: UInt32(clamping: calls.count))
            bytes += calls
        }
        for piece in request { bytes += piece }
        return bytes
    }

    /// Reads a payload.
    static func parse(_ payload: [UInt8]) throws(PluginFault) -> (Signal, [UInt8]) {
        guard payload.count >= 4 else { throw PluginFault(message: "an EMIT has fewer than 4 bytes") }
        switch payload[0] {
        case 1: return (.traces, Array(payload[4...]))
        case 2: return (.metrics, Array(payload[4...]))
        case 3: return (.logs, Array(payload[4...]))
        default: throw PluginFault(message: "an EMIT has the unknown signal \(payload[0])")
        }
    }
}
