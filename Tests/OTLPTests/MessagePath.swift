// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

/// A message of the schema table and one path to it from a request, so that a rule can be tested on every one.
struct MessagePath: Sendable, CustomTestStringConvertible {
    let signal: Signal
    let message: MessageID
    /// The fields of the path, as indices of the table.
    let steps: [Int]

    var testDescription: String { "\(signal.rawValue): \(message)" }
    var fields: [FieldSchema] { Schema.otlp.fieldIndices(message).map { Schema.otlp.fields[$0] } }

    /// A JSON request with only this message, with these members.
    func json(_ members: String) -> String {
        steps.reversed().reduce("{\(members)}") { inner, step in
            let field = Schema.otlp.fields[step]
            return #"{"\#(field.name)":\#(field.isRepeated ? "[\(inner)]" : inner)}"#
        }
    }

    /// A protobuf request with only this message, with this body.
    func protobuf(_ body: [UInt8]) -> [UInt8] {
        steps.reversed().reduce(body) { inner, step in
            var writer = ProtobufWriter()
            writer.bytes(Schema.otlp.fields[step].number, inner, always: true)
            return writer.finish()
        }
    }

    func batch(json members: String) throws -> OTLPBatch {
        try OTLPBatch(signal: signal, json: Array(json(members).utf8))
    }

    func batch(protobuf body: [UInt8]) throws -> OTLPBatch {
        try OTLPBatch(signal: signal, protobuf: protobuf(body))
    }

    /// Every message of every signal, by the shortest path.
    static let all: [MessagePath] = Signal.allCases.flatMap { signal in
        var found = [MessagePath(signal: signal, message: .request(signal), steps: [])]
        var next = 0
        while next < found.count {
            let path = found[next]
            next += 1
            for index in Schema.otlp.fieldIndices(path.message) where Schema.otlp.fields[index].kind == .message {
                let inner = Schema.otlp.fields[index].message
                if found.contains(where: { $0.message == inner }) { continue }
                found.append(MessagePath(signal: signal, message: inner, steps: path.steps + [index]))
            }
        }
        return found
    }
}

extension FieldSchema {
    /// A non-default value in JSON.
    var sample: String {
        let one =
            switch kind {
            case .message: "{}"
            case .string: #""x""#
            case .bytes: #""AA==""#
            case .traceID: #""0102030405060708090a0b0c0d0e0f10""#
            case .spanID: #""0102030405060708""#
            case .bool: "true"
            case .double: "1.5"
            case .int64, .uint64, .fixed64, .sfixed64: #""7""#
            case .int32, .uint32, .sint32, .fixed32, .enumeration: "7"
            }
        return isRepeated ? "[\(one)]" : one
    }

    var snakeName: String {
        String(describing: name).reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }
}
