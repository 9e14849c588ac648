// SPDX-License-Identifier: Apache-2.0

import OTLP

/// What a resource tells about all its records.
struct ResourceFacts {
    var serviceName: String?
    var machine: String?
    var user: String?
    var project: String?
    var session: String?
    /// The agent, when the service's name gives it away.
    var profile: AgentProfile?

    init(resource: Int, of batch: OTLPBatch) {
        func text(_ key: AttributeKey) -> String? {
            guard case .string(let slice)? = batch.attribute(key, resource: resource), !slice.isEmpty else {
                return nil
            }
            return batch.string(slice)
        }
        let name = text(.serviceName)
        serviceName = name
        machine = text(.hostName) ?? text(.machineID)
        user = ExtractionTable.user.lazy.compactMap(text).first
        project = ExtractionTable.project.lazy.compactMap(text).first
        session = text(.sessionID)
        profile = name.flatMap { name in
            AgentProfile.known.first { $0.serviceNames.contains { name.hasPrefix($0) } }
        }
    }
}
