// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP

/// What a user writes under `resource:`; the keys are those of the OpenTelemetry Collector.
public struct ResourceConfig: ComponentConfig {
    /// What is done to each resource, in this order.
    public var attributes: [ActionConfig] = []

    /// Does nothing.
    public init() {}

    /// What each key means.
    public static let documentation = [
        "attributes": ActionConfig.documentation(of: "each resource", hasTarget: false)
    ]

    /// Refuses actions that cannot be carried out.
    public func validate(_ findings: inout ConfigFindings) {
        ActionConfig.validate(attributes, at: "attributes", &findings)
    }

    /// Reports tables that cannot be read.
    public func checkFiles(_ findings: inout ConfigFindings) {
        ActionConfig.checkTables(attributes, at: "attributes", &findings)
    }
}

/// Changes the attributes of resources, action by action.
struct ResourceProcessor: Processor {
    let actions: [AttributeAction]

    func process(_ batch: inout Batch) throws(ConsumeError) {
        for resource in batch.otlp.resources.indices {
            for action in actions { action.apply(to: .resource(resource), of: &batch) }
        }
    }
}

extension ComponentFactory {
    /// Changes attributes of resources; an action that cannot be carried out and a table that cannot be read end the start.
    public static let resource = ComponentFactory.processor(
        "resource",
        ResourceConfig.self,
        summary: "adds, changes, hashes and deletes attributes of resources, as in the OpenTelemetry Collector"
    ) { config, settings throws(StartError) in
        do throws(ActionError) {
            return ResourceProcessor(actions: try AttributeAction.list(config.attributes, settings))
        } catch {
            throw StartError(.configuration, "\(settings.id): \(error.message)")
        }
    }
}
