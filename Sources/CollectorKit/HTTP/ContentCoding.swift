// SPDX-License-Identifier: Apache-2.0

public import OTLP

/// The coding of a body (RFC 9110 §8.4).
public enum ContentCoding: String, CaseIterable, Sendable {
    /// gzip (RFC 1952).
    case gzip
    /// The zlib format (RFC 1950), which the OpenTelemetry SDK for Python sends as `deflate`.
    case deflate
    /// Zstandard (RFC 8878).
    case zstd
    /// No coding.
    case identity

    /// The coding that a Content-Encoding field names; nil for an unsupported one.
    public init?(contentEncoding: String?) {
        guard let contentEncoding else {
            self = .identity
            return
        }
        let blanks: Set<Character> = [" ", "\t"]
        let start = contentEncoding.drop { blanks.contains($0) }
        let name = start.prefix { !blanks.contains($0) }
        guard start.dropFirst(name.count).allSatisfy({ blanks.contains($0) }) else { return nil }
        self.init(name: name.lowercased())
    }

    /// The coding with a name in lower case; the OpenTelemetry Collector has two names for the zlib format.
    public init?(name: String) {
        switch name {
        case "": self = .identity
        // RFC 9110 §8.4.1.3: the two names mean the same.
        case "x-gzip": self = .gzip
        case "zlib": self = .deflate
        default: self.init(rawValue: name)
        }
    }

    /// The decompressed size that a body states; nil when it states none or an implausible one.
    public func statedSize(of body: [UInt8]) -> Int? {
        switch self {
        case .identity: body.count
        case .gzip: Gzip.statedSize(of: body)
        case .deflate: nil
        case .zstd: Zstandard.statedSize(of: body)
        }
    }

    /// The decompressed bytes, for which memory is reserved as their buffer grows; nil when there is not enough memory now.
    public func inflate(_ body: [UInt8], limit: Int, memory: (any MemoryAllowance)?) throws(InflationFailure)
        -> [UInt8]?
    {
        switch self {
        case .identity:
            if body.count > limit { throw .tooLarge }
            return body
        case .gzip: return try Gzip.inflate(body, limit: limit, memory: memory)
        case .deflate: return try Gzip.inflate(body, form: .zlib, limit: limit, memory: memory)
        case .zstd: return try Zstandard.inflate(body, limit: limit, memory: memory)
        }
    }
}
