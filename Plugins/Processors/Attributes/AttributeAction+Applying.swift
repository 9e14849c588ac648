// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

extension AttributeAction {
    /// Carries the action out on a record; what it does not find stays as it is.
    func apply(to record: Int, of otlp: inout OTLPBatch) {
        switch self {
        case .insert(let key, let source):
            if otlp.attribute(key, of: .record(record)) == nil { source.set(key, record, of: &otlp) }
        case .update(let key, let source):
            if otlp.attribute(key, of: .record(record)) != nil { source.set(key, record, of: &otlp) }
        case .upsert(let key, let source): source.set(key, record, of: &otlp)
        case .delete(let keys):
            for key in keys.found(in: record, of: otlp) { otlp.removeAttributes(key, record: record) }
        case .hash(let keys):
            for key in keys.found(in: record, of: otlp) {
                guard let value = otlp.attribute(key, of: .record(record)) else { continue }
                otlp.set(key, to: .string(AttributeHash.digits(of: value, in: otlp)), record: record)
            }
        case .extract(let key, let pattern):
            guard case .string(let slice)? = otlp.attribute(key, of: .record(record)) else { return }
            for (name, text) in pattern.namedGroups(in: otlp.bytes(of: slice)) ?? [] {
                otlp.set(name, to: .string(text), record: record)
            }
        case .convert(let key, let form):
            guard let value = otlp.attribute(key, of: .record(record)),
                let converted = form.convert(value, in: otlp)
            else { return }
            otlp.set(key, to: converted, record: record)
        }
    }
}

extension AttributeAction.Source {
    fileprivate func set(_ key: String, _ record: Int, of otlp: inout OTLPBatch) {
        switch self {
        case .value(let value): otlp.set(key, to: value, record: record)
        case .attribute(let name):
            guard let value = otlp.attribute(name, of: .record(record)) else { return }
            otlp.set(key, to: AttributeScalar(value, in: otlp), record: record)
        }
    }
}

extension AttributeAction.Keys {
    /// The keys of a record that are meant.
    fileprivate func found(in record: Int, of otlp: OTLPBatch) -> [String] {
        guard let pattern else { return [name] }
        let keys = otlp.attributes(of: .record(record)).filter { entry in
            pattern.isFound(in: otlp.bytes(of: entry.key)) || (!name.isEmpty && otlp.equals(entry.key, name))
        }
        return keys.map { otlp.string($0.key) }
    }
}

extension AttributeScalar {
    /// A copy of a value; lists and maps are written out as text.
    fileprivate init(_ value: AttributeValue, in otlp: OTLPBatch) {
        switch value {
        case .int(let number): self = .int(number)
        case .double(let number): self = .double(number)
        case .bool(let flag): self = .bool(flag)
        case .empty, .string, .bytes, .array, .keyValueList: self = .string(otlp.text(of: value))
        }
    }
}

extension ActionConfig.ValueForm {
    /// The value in another type; nil when it has no such form.
    fileprivate func convert(_ value: AttributeValue, in otlp: OTLPBatch) -> AttributeScalar? {
        switch self {
        case .string: return .string(otlp.text(of: value))
        case .int:
            switch value {
            case .int: return nil
            case .double(let number): return Int64(exactly: number.rounded(.towardZero)).map { .int($0) }
            case .bool(let flag): return .int(flag ? 1 : 0)
            case .string(let slice): return Int64(otlp.string(slice)).map { .int($0) }
            case .empty, .bytes, .array, .keyValueList: return nil
            }
        case .double:
            switch value {
            case .double: return nil
            case .int(let number): return .double(Double(number))
            case .bool(let flag): return .double(flag ? 1 : 0)
            case .string(let slice): return Double(otlp.string(slice)).map { .double($0) }
            case .empty, .bytes, .array, .keyValueList: return nil
            }
        case .bool:
            guard case .string(let slice) = value else { return nil }
            return Bool(otlp.string(slice)).map { .bool($0) }
        }
    }
}

/// The hash of a value, as the OpenTelemetry Collector makes it, so that both give the same digits.
enum AttributeHash {
    /// SHA-256 in 64 digits over the bytes of a text, or the eight little-endian bytes of a number; nothing for an empty value.
    static func digits(of value: AttributeValue, in otlp: OTLPBatch) -> String {
        let bytes: [UInt8] =
            switch value {
            case .int(let number): withUnsafeBytes(of: number.littleEndian) { Array($0) }
            case .double(let number): withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
            case .bool(let flag): [flag ? 1 : 0]
            case .string(let slice): Array(otlp.bytes(of: slice))
            case .empty, .bytes, .array, .keyValueList: Array(otlp.text(of: value).utf8)
            }
        return bytes.isEmpty ? "" : SHA256.hex(SHA256.digest(bytes))
    }
}
