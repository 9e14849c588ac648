// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes the processor that keeps prompts, answers and names out of stores and forwards.
public struct RedactionFactory: ProcessorFactory {
    /// What a user writes.
    public typealias Config = RedactionConfig

    /// Creates the factory.
    public init() {}

    /// The type in a configuration.
    public let type = "redaction"
    /// What it is for.
    public let summary =
        "drops every text that may be a prompt, an answer or an argument, and hashes what identifies people"

    /// Makes a processor; a salt of the program's own is read, or made, at the start.
    public func makeProcessor(_ config: RedactionConfig, _ settings: ComponentSettings) -> any Processor {
        RedactionProcessor(config, settings)
    }
}
