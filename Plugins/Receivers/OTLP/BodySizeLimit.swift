// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The largest accepted body, written like any size; 0 and less mean the default, as in the OpenTelemetry Collector.
public struct BodySizeLimit: ConfigScalar, Hashable {
    /// The number of bytes.
    public var bytes: Int64

    /// 64 MiB, as the protocol recommends.
    public static let standard = BodySizeLimit(bytes: 64 << 20)

    /// Creates a limit of bytes.
    public init(bytes: Int64) {
        self.bytes = bytes
    }

    /// The description of the value in help texts.
    public static var valueType: ValueType { ConfigByteSize.valueType }

    /// Decodes a limit; throws `ConfigValueError` for a value that is not a size.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        let written =
            if let number = Int64(text), number <= 0 { number } else { try ConfigByteSize(parsing: text).bytes }
        self = written <= 0 ? .standard : BodySizeLimit(bytes: written)
    }

    /// Encodes the limit as a size.
    public func encode(to encoder: any Encoder) throws {
        try ConfigByteSize(bytes: bytes).encode(to: encoder)
    }
}
