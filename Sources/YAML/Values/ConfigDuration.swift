// SPDX-License-Identifier: Apache-2.0

/// A length of time written with its unit, such as `300ms`, `5s`, `1m30s` or `90d`.
///
/// Units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d` (24 hours). A number without a unit is refused, except `0`.
public struct ConfigDuration: ConfigScalar, Hashable {
    /// The length in nanoseconds; never negative when read from a configuration.
    public var nanoseconds: Int64

    /// Creates a duration of nanoseconds.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Creates a duration of seconds, at most 292 years.
    public init(seconds: Int64) {
        let (value, isOverflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        nanoseconds = isOverflow ? (seconds < 0 ? .min : .max) : value
    }

    /// Creates a duration from its text.
    public init(parsing text: String) throws(ConfigValueError) {
        // Zero is the same in every unit.
        let text = text == "0" ? "0s" : text
        var rest = text[...]
        var total: Int64 = 0
        repeat {
            do throws(UnitNumber.Failure) {
                let (sum, isOverflow) = total.addingReportingOverflow(try Self.format.read(&rest))
                guard !isOverflow else { throw .overflow }
                total = sum
            } catch {
                throw Self.error(error, in: text)
            }
        } while !rest.isEmpty
        nanoseconds = total
    }

    /// The length as the standard library's type.
    public var duration: Duration { .nanoseconds(nanoseconds) }

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1000), ("ns", 1),
    ]
    private static let format = UnitNumber(
        units: Dictionary(uniqueKeysWithValues: units.map { ($0.name, $0.nanoseconds) })
    )

    /// Full words for units.
    private static let words = [
        "day": "d", "days": "d", "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "minute": "m", "minutes": "m",
        "min": "m",
        "mins": "m", "second": "s", "seconds": "s", "sec": "s", "secs": "s", "millis": "ms", "msec": "ms",
    ]

    private static func error(_ failure: UnitNumber.Failure, in text: String) -> ConfigValueError {
        let names = units.reversed().map(\.name)
        switch failure {
        case .missingUnit:
            return ConfigValueError(
                code: "missing-unit",
                message: "the duration \(quoted(text)) has no unit",
                help: help(forBareNumber: text)
            )
        case .unknownUnit(let unit):
            let letter = words[unit.lowercased()] ?? unit.lowercased()
            let similar = names.contains(letter) ? letter : suggestion(for: unit, among: names)
            return ConfigValueError(
                code: "invalid-duration",
                message: "\(quoted(unit)) is no unit of time",
                help: similar.map { "did you mean \"\($0)\"?" } ?? "units: \(names.joined(separator: ", "))"
            )
        case .overflow:
            return ConfigValueError(code: "out-of-range", message: "the duration \(quoted(text)) is over 292 years")
        case .noNumber:
            return ConfigValueError(
                code: "invalid-duration",
                message: text.hasPrefix("-")
                    ? "the duration \(quoted(text)) is negative" : "\(quoted(text)) is no duration",
                help: "write a number with a unit, such as 300ms, 5s, 1m30s or 90d"
            )
        }
    }
}

extension ConfigDuration {
    private static func help(forBareNumber text: String) -> String {
        let joined = text.filter { $0 != " " }
        if joined != text, (try? Self(parsing: joined)) != nil { return "write \(joined), without a space" }
        let number = joined.prefix { $0.isNumber || $0 == "." }
        if let unit = words[joined.dropFirst(number.count).lowercased()] { return "write \(number)\(unit)" }
        let isNumber = text.allSatisfy { $0.isNumber || $0 == "." }
        let names = units.reversed().map(\.name).joined(separator: ", ")
        return isNumber
            ? "write \(text)s for seconds; units: \(names)" : "write a unit behind every number, such as 1m30s"
    }
}

extension ConfigDuration: CustomStringConvertible {
    /// The shortest text with whole numbers, such as `1m30s`; a negative length has a leading minus.
    public var description: String {
        guard nanoseconds != 0 else { return "0s" }
        var rest = nanoseconds.magnitude
        var text = nanoseconds < 0 ? "-" : ""
        for unit in Self.units {
            let count = rest / unit.nanoseconds.magnitude
            rest %= unit.nanoseconds.magnitude
            if count > 0 { text += "\(count)\(unit.name)" }
        }
        return text
    }
}

extension ConfigDuration {
    /// The type of the value.
    public static var valueType: ValueType { .duration }

    /// Decodes the text; throws `ConfigValueError`.
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    /// Encodes the canonical text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension ConfigDuration: PlaceholderProviding {
    static var placeholder: Self { Self(nanoseconds: 0) }
}
