// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes the processor that drops what is too old to be kept.
public struct RetentionFactory: ProcessorFactory {
    /// What a user writes.
    public typealias Config = RetentionConfig

    /// Creates the factory.
    public init() {}

    /// The type in a configuration.
    public let type = "retention"
    /// What it is for.
    public let summary = "drops records and calls that are older than an age when they come in"

    /// Makes a processor.
    public func makeProcessor(_ config: RetentionConfig, _ settings: ComponentSettings) -> any Processor {
        RetentionProcessor(maxAge: config.maxAge.nanoseconds, counters: settings.counters)
    }
}
