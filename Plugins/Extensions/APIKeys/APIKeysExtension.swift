// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Logging
import OTLP
import Synchronization
import Usage

/// Checks the keys of senders: those of the file, which is read again when it has changed, and those of the configuration.
final class APIKeysExtension: Authenticator, HealthReporting {
    private let config: APIKeysConfig
    private let settings: ComponentSettings
    private let file: KeyFile
    private let ring: Mutex<KeyRing>
    private let seen = Mutex<(stamp: KeyFile.Stamp?, fault: String?)>((nil, nil))
    private let lastLook = Atomic<Int64>(0)
    private let noted = Mutex<[String: Timestamp]>([:])
    private let writing = Mutex<Task<Void, Never>?>(nil)

    /// How often the file is checked, which is how long a revoked key may still work.
    ///
    /// Together with the interval at which an open answer is checked (250 ms) this stays within the promised second.
    private static let interval: Int64 = 500_000_000
    /// How often the times of use are written.
    private static let writingInterval = Duration.seconds(60)

    init(_ config: APIKeysConfig, _ settings: ComponentSettings) {
        self.config = config
        self.settings = settings
        file = KeyFile(path: config.path(home: settings.home))
        ring = Mutex(KeyRing([], config.keys))
    }

    func start() async throws(StartError) {
        let stamp = file.stamp
        let fresh = KeyRing(try file.records(), config.keys)
        ring.withLock { $0 = fresh }
        seen.withLock { $0 = (stamp, nil) }
        if fresh.isEmpty {
            settings.logger.warning(
                "there is no key, so every request is refused; create one with: hammurabi keys create"
            )
        }
        let task = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.writingInterval)
                self?.writeUses()
            }
        }
        writing.withLock { $0 = task }
    }

    func shutdown() async {
        let task = writing.withLock { task in
            defer { task = nil }
            return task
        }
        guard let task else { return }
        task.cancel()
        writeUses()
    }

    var trouble: String? { seen.withLock { $0.fault } }

    func permissions(of key: String) -> Permissions? {
        let now = settings.now()
        look(at: now)
        return ring.withLock { $0 }.permissions(of: key, at: now)
    }

    func name(of key: String) -> String? { ring.withLock { $0 }.name(of: key) }

    /// Reads the file again when it has changed; when it cannot be used, the known keys stay in force.
    private func look(at now: Timestamp) {
        let last = lastLook.load(ordering: .relaxed)
        let isDue = now.nanoseconds - last >= Self.interval || now.nanoseconds < last
        guard isDue, lastLook.compareExchange(expected: last, desired: now.nanoseconds, ordering: .relaxed).exchanged
        else { return }
        let stamp = file.stamp
        guard seen.withLock({ $0.stamp != stamp }) else { return }
        do throws(StartError) {
            let fresh = KeyRing(try file.records(), config.keys)
            // Times of use that were not written yet, of the keys that are replaced.
            let old = ring.withLock { ring in
                defer { ring = fresh }
                return ring
            }
            let uses = old.uses
            noted.withLock { $0.merge(uses) { max($0, $1) } }
            seen.withLock { $0 = (stamp, nil) }
            if !fresh.hasSameKeys(as: old) { settings.logger.info("the keys have changed") }
        } catch {
            seen.withLock { $0 = (stamp, error.description) }
            settings.counters.note(error.description, at: now)
            settings.logger.error("the keys stay as they are", metadata: ["reason": "\(error)"])
        }
    }

    /// Writes the times of last use, unless nothing has changed.
    private func writeUses() {
        let uses = ring.withLock { $0 }.uses
        let present = noted.withLock { noted in
            noted.merge(uses) { max($0, $1) }
            defer { noted = [:] }
            return noted
        }
        guard !present.isEmpty else { return }
        do throws(StartError) {
            try file.change { records in
                for index in records.indices {
                    guard let time = present[records[index].id]?.iso8601, records[index].lastUsedAt ?? "" < time else {
                        continue
                    }
                    records[index].lastUsedAt = time
                }
            }
        } catch {
            settings.logger.warning("the last use of keys cannot be written down", metadata: ["reason": "\(error)"])
        }
    }
}

extension ComponentFactory {
    /// Checks the keys of senders at every listener; the file is read at the start.
    public static let apiKeys = ComponentFactory.extension(
        "api_keys",
        APIKeysConfig.self,
        isAuthenticator: true,
        summary: "requires a key at every listener; hammurabi keys creates and revokes keys"
    ) { config, settings, _ in APIKeysExtension(config, settings) }
}

/// The valid keys with the times of their last use.
final class KeyRing: Sendable {
    private let entries: [Entry]

    /// One key.
    private final class Entry: Sendable {
        let digest: KeyDigest
        let permissions: Permissions
        /// Its id in the file; nil for one of the configuration.
        let id: String?
        let name: String
        let lastUsed = Atomic<Int64>(0)

        init(_ digest: KeyDigest, _ scopes: [KeyScope], id: String?, name: String) {
            self.digest = digest
            (self.id, self.name) = (id, name)
            permissions = scopes.reduce(into: []) { $0.formUnion($1.permissions) }
        }
    }

    init(_ records: [KeyRecord], _ configured: [APIKeysConfig.Key]) {
        entries =
            records.compactMap { record in
                KeyDigest(hex: record.hash).map { Entry($0, record.scopes, id: record.id, name: record.name) }
            } + configured.map { Entry(KeyDigest(of: $0.key.value), $0.scopes, id: nil, name: $0.name) }
    }

    var isEmpty: Bool { entries.isEmpty }

    /// The permissions of a key; compares it with all keys, so that the time does not depend on which one matches.
    func permissions(of key: String, at now: Timestamp) -> Permissions? {
        let digest = KeyDigest(of: key)
        var found: Entry?
        for entry in entries where entry.digest.matches(digest) { found = entry }
        found?.lastUsed.store(now.nanoseconds, ordering: .relaxed)
        return found?.permissions
    }

    /// The name of a key; every key is compared, so that the duration does not depend on which one it is.
    func name(of key: String) -> String? {
        let digest = KeyDigest(of: key)
        var found: Entry?
        for entry in entries where entry.digest.matches(digest) { found = entry }
        return found.flatMap { $0.name.isEmpty ? nil : $0.name }
    }

    /// Whether both have the same keys.
    func hasSameKeys(as other: KeyRing) -> Bool {
        entries.map(\.digest) == other.entries.map(\.digest)
            && entries.map(\.permissions) == other.entries.map(\.permissions)
    }

    /// The times of last use of the file's keys, by id; unused keys are left out.
    var uses: [String: Timestamp] {
        var uses: [String: Timestamp] = [:]
        for entry in entries {
            let time = entry.lastUsed.load(ordering: .relaxed)
            if let id = entry.id, time > 0 { uses[id] = Timestamp(nanoseconds: time) }
        }
        return uses
    }
}
