// SPDX-License-Identifier: Apache-2.0

public import YAML

/// A network address to listen on, `host:port` in a configuration.
public struct Endpoint: ConfigScalar, Hashable, CustomStringConvertible {
    /// A name or an address; an IPv6 address without its brackets.
    public let host: String
    /// The port, 0 for any that is free.
    public let port: Int

    /// The port for OTLP over HTTP on this machine alone.
    public static let otlpHTTP = Endpoint(host: "127.0.0.1", port: 4_318)

    /// The port for OTLP over gRPC on this machine alone.
    public static let otlpGRPC = Endpoint(host: "127.0.0.1", port: 4_317)

    /// Creates an endpoint.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Parses `host:port`, `[v6]:port` or `:port` (every address of the machine); nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard host.utf8.allSatisfy({ $0 > 32 && $0 != 47 && $0 < 127 }) else { return nil }
        self.init(host: host.isEmpty ? "0.0.0.0" : String(host), port: Int(port))
    }

    /// What the value is for.
    public static var valueType: ValueType { .custom("host:port") }

    /// Reads an endpoint from a configuration.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let endpoint = Endpoint(text) else {
            throw ConfigValueError(
                code: "endpoint",
                message: "\"\(text.prefix(80))\" is no endpoint",
                help: "write host:port, such as 127.0.0.1:4318"
            )
        }
        self = endpoint
    }

    /// Writes the endpoint as text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// The text as written in a configuration.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether only programs on this machine can reach it: `localhost`, `::1`, and four decimal numbers of which the first is 127.
    ///
    /// Other spellings of such an address (`127.1`, `127.0.0.01`, `::ffff:127.0.0.1`) are not taken for one: programs differ in what they
    /// mean.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { String(UInt8($0) ?? 0) == $0 }
    }
}
