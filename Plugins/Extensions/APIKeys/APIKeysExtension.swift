// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Logging
import OTLP
import Synchronization
import Usage

/// Knows the keys of senders: those of the file, which is looked at again when it has changed, and those of the configuration.
final class APIKeysExtension: Authenticator, HealthReporting {
    private let config: APIKeysConfig
    private let settings: ComponentSettings
    private let file: KeyFile
    private let ring: Mutex<KeyRing>
    private let seen = Mutex<(stamp: KeyFile.Stamp?, fault: String?)>((nil, nil))
    private let lastLook = Atomic<Int64>(0)
    private let noted = Mutex<[String: Timestamp]>([:])
    private let writing = Mutex<Task<Void, Never>?>(nil)

    /// How often the file is looked at: a key that was revoked is refused after so long.
    ///
    /// With the time between two looks of an open
    /// answer (250 ms) it stays within the second that is promised.
    private static let interval: Int64 = 500_000_000
    /// How often uses are written down.
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
            settings.logger.warning("there is no key yet, so nobody is let in; make one with: hammurabi keys create")
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

    /// Reads the file again when it has changed; one that cannot be used leaves the keys in force that are known.
    private func look(at now: Timestamp) {
        let last = lastLook.load(ordering: .relaxed)
        let isDue = now.nanoseconds - last >= Self.interval || now.nanoseconds < last
        guard isDue, lastLook.compareExchange(expected: last, desired: now.nanoseconds, ordering: .relaxed).exchanged
        else { return }
        let stamp = file.stamp
        guard seen.withLock({ $0.stamp != stamp }) else { return }
        do throws(StartError) {
            let fresh = KeyRing(try file.records(), config.keys)
            // Uses of keys that are about to be forgotten.
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

    /// Writes down when keys were last used, unless nothing is new.
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
    /// Knows keys that senders show at every listener; their file is read at the start.
    public static let apiKeys = ComponentFactory.extension(
        "api_keys",
        APIKeysConfig.self,
        isAuthenticator: true,
        summary: "asks at every listener for keys, which hammurabi keys makes and revokes"
    ) { config, settings, _ in APIKeysExtension(config, settings) }
}

/// The keys that are valid now, with the moment of their last use.
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

    /// What a key allows; all keys are looked at, whichever it is.
    func permissions(of key: String, at now: Timestamp) -> Permissions? {
        let digest = KeyDigest(of: key)
        var found: Entry?
        for entry in entries where entry.digest.matches(digest) { found = entry }
        found?.lastUsed.store(now.nanoseconds, ordering: .relaxed)
        return found?.permissions
    }

    /// The name of a key; all keys are looked at, whichever it is.
    func name(of key: String) -> String? {
        let digest = KeyDigest(of: key)
        var found: Entry?
        for entry in entries where entry.digest.matches(digest) { found = entry }
        return found.flatMap { $0.name.isEmpty ? nil : $0.name }
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
