// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import Collector
import CollectorKit
import Onboarding
import Usage

/// Creates API keys for the collector of this machine.
struct KeyIssuer {
    private let file: KeyFile

    /// The issuer for a configuration; nil when its collector requires no keys.
    static func local(_ graph: PipelineGraph?, _ environment: Environment) -> KeyIssuer? {
        let config = graph?.used(.extension).lazy.compactMap { $0.config as? APIKeysConfig }.first
        return config.map { KeyIssuer(file: KeyFile(path: $0.path(home: environment.programHome))) }
    }

    /// Creates a key that may only write telemetry; a running collector accepts it within a second.
    func create(_ name: String) throws(StartError) -> NewKey { try create(name, scope: .write) }

    /// Creates a key that may only read, for the time that onboarding waits: the keys of agents may only write.
    func createReader() throws(StartError) -> NewKey {
        try create("onboarding, waiting for first records", scope: .read)
    }

    private func create(_ name: String, scope: KeyScope) throws(StartError) -> NewKey {
        let new = NewKey(name: name, scopes: [scope], createdAt: Console.now().iso8601)
        try file.change { $0.append(new.record) }
        return new
    }

    /// Revokes a key.
    func revoke(_ key: NewKey) throws(StartError) {
        try file.change { $0.removeAll { $0.id == key.record.id } }
    }
}
