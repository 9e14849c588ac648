// SPDX-License-Identifier: Apache-2.0

/// An amount of memory or disk written with its unit, such as `64MiB`, `10MB` or `100B`.
///
/// Units are `B`, the decimal `kB`/`KB`, `MB`, `GB`, `TB` and the binary `KiB`, `MiB`, `GiB`, `TiB`. A whole number of 1024 and
/// more without a unit is bytes, as in the OpenTelemetry Collector; a smaller one is refused, because it may be intended as MiB.
public struct ConfigByteSize: ConfigScalar, Hashable {
    /// The number of bytes; never negative when read from a configuration.
    public var bytes: Int64

    /// Creates a size of bytes.
    public init(bytes: Int64) {
        self.bytes = bytes
    }

    /// Creates a size of mebibytes (1,048,576 bytes each), clamped to what 64 bits hold.
    public init(mebibytes: Int64) {
        let (value, isOverflow) = mebibytes.multipliedReportingOverflow(by: 1 << 20)
        bytes = isOverflow ? (mebibytes < 0 ? .min : .max) : value
    }

    /// Creates a size from its text.
    public init(parsing text: String) throws(ConfigValueError) {
        if let plain = Self.plainBytes(text) {
            bytes = plain
            return
        }
        var rest = text[...]
        let result: Result<Int64, UnitNumber.Failure> = Result { () throws(UnitNumber.Failure) -> Int64 in
            let size = try Self.format.read(&rest)
            guard rest.isEmpty else { throw .noNumber }
            return size
        }
        switch result {
        case .success(let size): bytes = size
        case .failure(let failure): throw Self.error(failure, in: text)
        }
    }

    private static let units: [(name: String, bytes: Int64)] = [
        ("TiB", 1 << 40), ("TB", 1_000_000_000_000), ("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20),
        ("MB", 1_000_000), ("KiB", 1 << 10), ("KB", 1000), ("B", 1),
    ]
    private static let format = UnitNumber(
        units: Dictionary(uniqueKeysWithValues: units.map { ($0.name, $0.bytes) } + [("kB", 1000)])
    )

    private static func error(_ failure: UnitNumber.Failure, in text: String) -> ConfigValueError {
        let names = units.reversed().map(\.name)
        switch failure {
        case .missingUnit:
            return ConfigValueError(
                code: "missing-unit",
                message: "the size \(quoted(text)) has no unit",
                help: help(forBareNumber: text)
            )
        case .unknownUnit(let unit):
            // `Mi` is how Kubernetes writes MiB.
            let longer = names.first { $0.lowercased().hasPrefix(unit.lowercased()) }
            let similar = longer ?? suggestion(for: unit, among: names)
            return ConfigValueError(
                code: "invalid-size",
                message: "\(quoted(unit)) is no unit of size",
                help: similar.map { "did you mean \"\($0)\"?" } ?? "units: \(names.joined(separator: ", "))"
            )
        case .overflow:
            return ConfigValueError(code: "out-of-range", message: "the size \(quoted(text)) is over 8 EiB")
        case .noNumber:
            return ConfigValueError(
                code: "invalid-size",
                message: text.hasPrefix("-") ? "the size \(quoted(text)) is negative" : "\(quoted(text)) is no size",
                help: "write a number with a unit and no space, such as 64MiB"
            )
        }
    }

    /// A number without a unit that can only be bytes.
    private static func plainBytes(_ text: String) -> Int64? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bytes = Int64(text) else { return nil }
        return bytes >= 1024 || bytes == 0 ? bytes : nil
    }

    /// A small number is usually intended as MiB, like the keys of the OpenTelemetry Collector that end in `_mib`.
    private static func help(forBareNumber text: String) -> String {
        let joined = text.filter { $0 != " " }
        if joined != text, (try? Self(parsing: joined)) != nil { return "write \(joined), without a space" }
        let isNumber = joined.allSatisfy { $0.isNumber || $0 == "." }
        return isNumber ? "write \(joined)MiB or \(joined)B" : "write a number with a unit, such as 64MiB"
    }
}

extension ConfigByteSize: CustomStringConvertible {
    /// The text with the largest unit that divides the size.
    public var description: String {
        guard bytes != 0, let unit = Self.units.first(where: { bytes % $0.bytes == 0 }) else { return "0B" }
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}

extension ConfigByteSize {
    /// The type of the value.
    public static var valueType: ValueType { .size }

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

extension ConfigByteSize: PlaceholderProviding {
    static var placeholder: Self { Self(bytes: 0) }
}
