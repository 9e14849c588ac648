// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import OTLP

/// Makes the extension that tells service managers and load balancers how the collector is.
public struct HealthCheckFactory: ExtensionFactory {
    private let version: String

    /// Creates the factory; `version` is that of the program.
    public init(version: String = "development") {
        self.version = version
    }

    /// What a user writes.
    public typealias Config = HealthCheckConfig
    /// The type in a configuration.
    public let type = "health_check"
    /// What it is for.
    public let summary = "tells whether the collector lives, is ready, and which component is in trouble"
    /// It looks at no signal itself.
    public let signals: [Signal] = []

    /// Makes an extension; the listener is the collector's.
    public func makeExtension(
        _ config: HealthCheckConfig,
        _ settings: ComponentSettings,
        with parts: CollectorParts
    ) -> any Extension {
        HealthCheckExtension(config, now: settings.now, status: parts.status, version: version)
    }
}
