// SPDX-License-Identifier: Apache-2.0

/// The meaning of a scalar in the core schema of YAML 1.2 (section 10.3.2).
public enum ResolvedValue: Hashable, Sendable {
    /// `null`, `~` or nothing.
    case null
    /// `true` or `false`, also capitalised.
    case boolean(Bool)
    /// A decimal, `0o` octal or `0x` hexadecimal number; nil when it has more than 128 bits.
    case integer(Int128?)
    /// A decimal fraction, `.inf` or `.nan`.
    case float(Double)
    /// Everything else: `no`, `yes`, `on` and `12:30` are strings.
    case string
}

extension Scalar {
    /// The meaning of the value when no type is expected.
    public var resolved: ResolvedValue {
        switch (tag, style) {
        case (.string, _), (nil, .quoted): .string
        default: CoreSchema.resolve(text)
        }
    }
}

enum CoreSchema {
    /// Resolves an untagged plain scalar.
    static func resolve(_ text: String) -> ResolvedValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .boolean(true)
        case "false", "False", "FALSE": return .boolean(false)
        case ".nan", ".NaN", ".NAN": return .float(.nan)
        default: return number(text)
        }
    }

    private static func number(_ text: String) -> ResolvedValue {
        let bytes = Array(text.utf8)
        let hasSign = bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-")
        let unsigned = bytes.dropFirst(hasSign ? 1 : 0)
        if !hasSign, text.hasPrefix("0o") || text.hasPrefix("0x") {
            return prefixed(text.dropFirst(2), radix: text.hasPrefix("0o") ? 8 : 16)
        }
        if !unsigned.isEmpty, unsigned.allSatisfy(isDigit) { return .integer(Int128(text)) }
        if [".inf", ".Inf", ".INF"].contains(String(decoding: unsigned, as: UTF8.self)) {
            return .float(bytes[0] == UInt8(ascii: "-") ? -.infinity : .infinity)
        }
        guard isFloat(unsigned), let value = Double(text) else { return .string }
        return .float(value)
    }

    private static func prefixed(_ digits: Substring, radix: Int) -> ResolvedValue {
        let areDigits = digits.utf8.allSatisfy { byte in
            radix == 8 ? (0x30...0x37).contains(byte) : isDigit(byte) || (0x61...0x66).contains(byte | 0x20)
        }
        return !digits.isEmpty && areDigits ? .integer(Int128(digits, radix: radix)) : .string
    }

    /// The pattern `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?` of the core schema.
    private static func isFloat(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        func digits(_ rest: inout ArraySlice<UInt8>) -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        var mantissa = digits(&rest)
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            mantissa += digits(&rest)
        }
        guard mantissa > 0 else { return false }
        guard let exponent = rest.first else { return true }
        guard exponent | 0x20 == UInt8(ascii: "e") else { return false }
        rest = rest.dropFirst()
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        return digits(&rest) > 0 && rest.isEmpty
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
