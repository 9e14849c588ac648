// SPDX-License-Identifier: Apache-2.0

/// Decodes a user's configuration over a value that holds the defaults, and reports every problem at its place.
///
/// The type is a struct with plain synthesized `Codable` and a default for every property. In the file its keys are in
/// snake case. A missing key, and a key with nothing after its colon, take the default. Sections are merged deeply;
/// dictionaries, lists and scalars replace the default. Nothing is skipped silently: an unknown key, a wrong type, a number
/// out of range or an unknown word is an error with the mark of the key or value.
///
/// ```swift
/// struct ServerConfig: Codable, Sendable {
///     var endpoint = "127.0.0.1:4318"
///     var timeout = ConfigDuration(seconds: 5)
/// }
/// let config = ConfigDecoder(home: home).decode(
///     ServerConfig.self, from: node, over: ServerConfig(), diagnostics: &diagnostics)
/// ```
public struct ConfigDecoder: Sendable {
    private let home: String?

    /// Creates a decoder.
    ///
    /// - Parameter home: The directory for a leading `~` in a `ConfigPath`; nil leaves paths as they are.
    public init(home: String? = nil) {
        self.home = home
    }

    /// Returns the configuration; a part with a problem keeps its default and adds to the diagnostics.
    ///
    /// The names of keys that hold a `Secret` are added to `diagnostics.secretKeys`.
    public func decode<T: Codable>(
        _ type: T.Type,
        from node: Node,
        over defaults: T,
        diagnostics: inout Diagnostics
    ) -> T {
        let session = DecodingSession(diagnostics: diagnostics, home: home)
        defer { diagnostics = session.diagnostics }
        do {
            let layers = Layers(given: node, fallback: try Node(encoding: defaults), mark: node.mark)
            return try session.decode(type, layers)
        } catch is DecodingSession.Abandoned {
            return defaults
        } catch {
            session.diagnostics.append(.error("invalid-value", "cannot be decoded: \(error)", at: node.mark))
            return defaults
        }
    }
}
