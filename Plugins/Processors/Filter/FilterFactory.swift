// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes the processor that drops records by conditions.
public struct FilterFactory: ProcessorFactory {
    /// What a user writes.
    public typealias Config = FilterConfig

    /// Creates the factory.
    public init() {}

    /// The type in a configuration.
    public let type = "filter"
    /// What it is for.
    public let summary =
        "drops spans, log records and data points that meet a condition, as in the OpenTelemetry Collector"

    /// Makes a processor.
    ///
    /// - Throws: ``StartError`` when a condition cannot be read, which a validated configuration rules out.
    public func makeProcessor(_ config: FilterConfig, _ settings: ComponentSettings) throws(StartError)
        -> any Processor
    {
        try FilterProcessor(config, settings)
    }
}
