// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes the exporter that shows batches on the standard output.
public struct StdoutFactory: ExporterFactory {
    /// Takes all the bytes of one batch, or throws when they cannot be written now.
    public typealias Sink = @Sendable ([UInt8]) throws -> Void

    private let sink: Sink

    /// Creates the factory for the standard output.
    public init() {
        self.init(writingTo: { try FileDescriptorWriter.standardOutput.write($0) })
    }

    /// Creates a factory for another place; the sink is called for one batch after the other, never for two at once.
    public init(writingTo sink: @escaping Sink) {
        self.sink = sink
    }

    /// What a user writes.
    public typealias Config = StdoutConfig
    /// The type in a configuration.
    public let type = "stdout"
    /// What it is for.
    public let summary = "shows batches on the standard output, as text or as OTLP/JSON lines"

    /// Makes an exporter.
    public func makeExporter(_ config: StdoutConfig, _ settings: ComponentSettings) -> any Exporter {
        StdoutExporter(config, settings, sink: sink)
    }
}
