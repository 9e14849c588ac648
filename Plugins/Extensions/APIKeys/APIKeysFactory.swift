// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import OTLP

/// Makes the extension that asks for keys.
public struct APIKeysFactory: ExtensionFactory {
    /// Creates the factory.
    public init() {}

    /// What a user writes.
    public typealias Config = APIKeysConfig
    /// The type in a configuration.
    public let type = "api_keys"
    /// What it is for.
    public let summary = "asks at every listener for keys, which hammurabi keys makes and revokes"
    /// It looks at no signal itself.
    public let signals: [Signal] = []
    /// It knows the keys of senders.
    public let isAuthenticator = true

    /// Makes an extension; the file is read when it starts.
    public func makeExtension(
        _ config: APIKeysConfig,
        _ settings: ComponentSettings,
        with parts: CollectorParts
    ) -> any Extension { APIKeysExtension(config, settings) }
}
