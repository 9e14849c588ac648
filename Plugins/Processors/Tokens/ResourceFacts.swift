// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// The facts that a resource states about all its records.
///
/// A class, so that passing it from record to record needs no reference counting of its texts.
final class ResourceFacts {
    /// The sending process: all attributes of the resource, hashed independently of their order.
    let identity: UInt64
    let serviceName: String?
    let machine: String?
    let user: String?
    let project: String?
    let team: String?
    let session: String?
    /// The agent, when the service's name identifies it.
    let profile: AgentProfile?
    /// Whether a span can supply its session and user to other spans of its trace: not when each call names its own.
    let lendsNames: Bool

    private static let attributeHash = StableHash(domain: "resource-attribute")

    init(resource: Int, of batch: OTLPBatch, _ longNames: inout LongNames) {
        var cut = LongNames()
        func slice(_ key: AttributeKey, _ field: String) -> Slice? {
            guard case .string(let slice)? = batch.attribute(key, resource: resource), !slice.isEmpty else {
                return nil
            }
            cut.note(slice, as: field)
            return slice
        }
        func text(_ key: AttributeKey, _ field: String) -> String? { slice(key, field).map { batch.name($0) } }
        var identity: UInt64 = 0
        batch.forEachAttribute(of: .resource(resource)) { entry in
            var hash = Self.attributeHash
            batch.bytes(of: entry.key).withUnsafeBytes { hash.combine(bytes: $0.bytes) }
            switch entry.value {
            case .string(let value), .bytes(let value), .array(let value), .keyValueList(let value):
                batch.bytes(of: value).withUnsafeBytes { hash.combine(bytes: $0.bytes) }
            case .empty, .bool, .int, .double: hash.combine(entry.bits)
            }
            identity &+= hash.value
        }
        self.identity = identity
        let name = text(.serviceName, "service")
        serviceName = name
        machine = text(.hostName, "machine") ?? text(.machineID, "machine")
        user = ExtractionTable.user.keys.lazy.compactMap { text($0, "user") }.first
        project = ExtractionTable.project.keys.lazy.compactMap { slice($0, "project") }.first.map {
            batch.projectName($0)
        }
        team = ExtractionTable.team.keys.lazy.compactMap { text($0, "team") }.first
        session = text(.sessionID, "session")
        longNames.add(cut)
        profile = name.flatMap { name in
            AgentProfile.known.first { $0.serviceNames.contains { name.hasPrefix($0) } }
        }
        lendsNames = profile?.callSpans == nil
    }
}
