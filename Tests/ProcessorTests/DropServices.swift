// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// What a user writes under `drop_services:`.
struct DropServicesConfig: ComponentConfig {
    /// Values of `service.name`.
    var names: [String] = []

    /// What each key means; `hammurabi components` shows it.
    static let documentation = ["names": "records of services with these names are dropped"]

    /// Reports what is wrong with values that are each well-formed: all of it, with its place.
    func validate(_ findings: inout ConfigFindings) {
        for (position, name) in names.enumerated() where name.isEmpty {
            findings.error("empty-value", "a service has a name", at: ["names", "\(position)"])
        }
    }
}

/// The component, by the name that a configuration gives it.
extension ComponentFactory {
    static let dropServices = processor(
        "drop_services",
        DropServicesConfig.self,
        summary: "drops the records of some services"
    ) { config, _ in DropServicesProcessor(names: Set(config.names)) }
}

/// Drops the records of some services; safe to call from many tasks at once, because it changes nothing but the batch.
struct DropServicesProcessor: Processor {
    let names: Set<String>

    func process(_ batch: inout Batch) throws(ConsumeError) {
        for (position, record) in batch.otlp.records.enumerated() where batch.otlp.isLive(record: position) {
            let resource = batch.otlp.scopes[record.scope].resource
            guard case .string(let name)? = batch.otlp.attribute(.serviceName, resource: resource),
                names.contains(batch.otlp.string(name))
            else { continue }
            batch.otlp.overlay.drop(record: position)
        }
    }
}
