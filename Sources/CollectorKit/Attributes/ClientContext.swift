// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes

/// What is known of the client that sent a batch: its header fields, which for gRPC are its metadata, its key and its address.
///
/// A value that shares the fields of the request; safe to use from many tasks at once.
public struct ClientContext: Sendable {
    /// The header fields of the request.
    public let fields: HTTPFields
    private let address: @Sendable () -> String?
    private let keyName: @Sendable () -> String?

    /// Creates the context of a request.
    ///
    /// - Parameters:
    ///   - address: Finds the address of the connection; called when it is asked for.
    ///   - keyName: Finds the name of the API key that the request showed; called when it is asked for.
    public init(
        fields: HTTPFields,
        address: @escaping @Sendable () -> String? = { nil },
        keyName: @escaping @Sendable () -> String? = { nil }
    ) {
        (self.fields, self.address, self.keyName) = (fields, address, keyName)
    }

    /// What is known under a key, several values of a field joined with `;`; nil where nothing is known.
    public func value(of key: ContextKey) -> String? {
        switch key {
        case .metadata(let name):
            guard let name = HTTPField.Name(name) else { return nil }
            let values = fields[values: name].filter { !$0.isEmpty }
            return values.isEmpty ? nil : values.joined(separator: ";")
        case .keyName: return keyName()
        case .address: return address()
        }
    }
}

/// What `from_context` can name, in the words of the OpenTelemetry Collector.
public enum ContextKey: Sendable, Hashable {
    /// `metadata.NAME`: a header field, whatever its case.
    case metadata(String)
    /// `auth.name`: the name of the API key.
    case keyName
    /// `client.address`: the address of the connection.
    case address

    /// Reads a key; nil for anything else.
    public init?(_ text: String) {
        switch text {
        case "auth.name": self = .keyName
        case "client.address": self = .address
        default:
            guard text.hasPrefix("metadata."), HTTPField.Name(String(text.dropFirst(9))) != nil else { return nil }
            self = .metadata(String(text.dropFirst(9)))
        }
    }

    /// Whether it is a field that carries a secret.
    public var isSecret: Bool {
        guard case .metadata(let name) = self else { return false }
        return ["authorization", "proxy-authorization", "cookie", "x-hammurabi-api-key", "x-api-key", "api-key"]
            .contains(name.lowercased())
    }
}
