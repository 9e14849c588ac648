// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes the processor that finds model calls in telemetry.
public struct TokensFactory: ProcessorFactory {
    /// What a user writes.
    public typealias Config = TokensConfig

    /// Creates the factory.
    public init() {}

    /// The type in a configuration.
    public let type = "tokens"
    /// What it is for.
    public let summary = "finds model calls in log records and spans and reads their tokens"

    /// Makes a processor.
    public func makeProcessor(_ config: TokensConfig, _ settings: ComponentSettings) -> any Processor {
        TokensProcessor(config, settings)
    }
}
