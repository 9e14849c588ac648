// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import OTLP

/// Makes the extension that answers questions about usage over HTTP.
public struct HubFactory: ExtensionFactory {
    private let version: String
    private let pages: [ComponentPage]

    /// Creates the factory.
    ///
    /// - Parameters:
    ///   - version: That of the program, for the health check.
    ///   - pages: The documentation that is served under `/docs/components`.
    public init(version: String = "development", pages: [ComponentPage] = []) {
        self.version = version
        self.pages = pages
    }

    /// What a user writes.
    public typealias Config = HubConfig
    /// The type in a configuration.
    public let type = "hub"
    /// What it is for.
    public let summary = "answers questions about cost, sessions and health over HTTP, from a store"
    /// It looks at no signal itself.
    public let signals: [Signal] = []

    /// Makes an extension; without the store it names, it answers that questions cannot be answered.
    public func makeExtension(
        _ config: HubConfig,
        _ settings: ComponentSettings,
        with parts: CollectorParts
    ) -> any Extension {
        HubExtension(config, settings, with: parts, version: version, pages: pages)
    }
}
