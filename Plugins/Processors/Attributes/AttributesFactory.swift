// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes the processor that changes attributes.
public struct AttributesFactory: ProcessorFactory {
    /// What a user writes.
    public typealias Config = AttributesConfig

    /// Creates the factory.
    public init() {}

    /// The type in a configuration.
    public let type = "attributes"
    /// What it is for.
    public let summary = "adds, changes, hashes and deletes attributes of records, as in the OpenTelemetry Collector"

    /// Makes a processor.
    ///
    /// - Throws: ``StartError`` when an action cannot be carried out, which a validated configuration rules out.
    public func makeProcessor(_ config: AttributesConfig, _ settings: ComponentSettings) throws(StartError)
        -> any Processor
    {
        do throws(ActionError) {
            return AttributesProcessor(
                actions: try AttributeAction.list(config.actions),
                include: try RecordSelector.make(config.include),
                exclude: try RecordSelector.make(config.exclude),
                counters: settings.counters
            )
        } catch {
            throw StartError(.configuration, "\(settings.id): \(error.message)")
        }
    }
}
