// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization
import Usage

/// The keys that are valid now, with the moment of their last use.
final class KeyRing: Sendable {
    private let entries: [Entry]

    /// One key.
    private final class Entry: Sendable {
        let digest: KeyDigest
        let permissions: Permissions
        /// Its id in the file; nil for one of the configuration.
        let id: String?
        let lastUsed = Atomic<Int64>(0)

        init(_ digest: KeyDigest, _ scopes: [KeyScope], id: String?) {
            self.digest = digest
            self.id = id
            permissions = scopes.reduce(into: []) { $0.formUnion($1.permissions) }
        }
    }

    init(_ records: [KeyRecord], _ configured: [APIKeysConfig.Key]) {
        entries =
            records.compactMap { record in
                KeyDigest(hex: record.hash).map { Entry($0, record.scopes, id: record.id) }
            } + configured.map { Entry(KeyDigest(of: $0.key.value), $0.scopes, id: nil) }
    }

    var isEmpty: Bool { entries.isEmpty }

    /// What a key allows; all keys are looked at, whichever it is.
    func permissions(of key: String, at now: Timestamp) -> Permissions? {
        let digest = KeyDigest(of: key)
        var found: Entry?
        for entry in entries where entry.digest.matches(digest) { found = entry }
        found?.lastUsed.store(now.nanoseconds, ordering: .relaxed)
        return found?.permissions
    }

    /// Whether nobody was let in or shut out since.
    func hasSameKeys(as other: KeyRing) -> Bool {
        entries.map(\.digest) == other.entries.map(\.digest)
            && entries.map(\.permissions) == other.entries.map(\.permissions)
    }

    /// When keys of the file were last used, by their id; those that were not are left out.
    var uses: [String: Timestamp] {
        var uses: [String: Timestamp] = [:]
        for entry in entries {
            let time = entry.lastUsed.load(ordering: .relaxed)
            if let id = entry.id, time > 0 { uses[id] = Timestamp(nanoseconds: time) }
        }
        return uses
    }
}
