// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes exporters that forward to another collector or backend over OTLP/HTTP.
public struct OTLPHTTPFactory: ExporterFactory {
    /// What a user writes.
    public typealias Config = OTLPHTTPConfig

    private let version: String

    /// Creates the factory; `version` is that of the program, for the header field `User-Agent`.
    public init(version: String = "development") {
        self.version = version
    }

    /// The type in a configuration.
    public let type = "otlp_http"
    /// What the OpenTelemetry Collector called it before 2026.
    public let aliases = ["otlphttp"]
    /// What it is for.
    public let summary = "forwards everything over OTLP/HTTP through a queue on the disk"

    /// Makes an exporter; opens nothing.
    public func makeExporter(_ config: OTLPHTTPConfig, _ settings: ComponentSettings) -> any Exporter {
        OTLPHTTPExporter(config, settings, version: version)
    }
}
