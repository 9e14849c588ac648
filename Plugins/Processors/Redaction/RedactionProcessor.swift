// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Synchronization

/// Takes messages out of records and replaces what identifies people by hashes.
///
/// Only the overlay of a batch changes, and nothing that calls are counted by: it may stand before or behind `tokens`.
struct RedactionProcessor: Processor {
    private let rules: RedactionRules
    private let dropsBodies: Bool
    private let dropsEvents: Bool
    private let salt: Salt
    private let settings: ComponentSettings

    init(_ config: RedactionConfig, _ settings: ComponentSettings) {
        rules = RedactionRules(drop: config.dropAttributes, hash: config.hashAttributes)
        dropsBodies = config.logBodies == .drop
        dropsEvents = config.spanEvents == .drop
        salt = Salt(config.salt)
        self.settings = settings
    }

    func start() async throws(StartError) {
        if rules.hashesAnything { try salt.load(folder: settings.home, for: settings.id) }
    }

    func process(_ batch: inout Batch) throws(ConsumeError) {
        settings.counters.add(batch.otlp.recordCount, to: .accepted)
        var pass = RedactionPass(rules: rules, key: salt.key)
        for resource in batch.otlp.resources.indices { _ = pass.redact(.resource(resource), of: &batch.otlp) }
        for scope in batch.otlp.scopes.indices { _ = pass.redact(.scope(scope), of: &batch.otlp) }
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            let hadMessage = pass.redact(.record(record), of: &batch.otlp)
            if batch.signal == .logs {
                if dropsBodies, LogBody.isMessage(record: record, of: batch.otlp, hadMessage: hadMessage) {
                    batch.otlp.removeBody(record: record)
                }
            } else {
                pass.redactInterior(of: record, in: &batch.otlp, droppingEvents: dropsEvents)
            }
        }
    }
}

/// Which attributes go and which are hashed.
struct RedactionRules: Sendable {
    private let dropped: NamePatterns
    private let hashed: NamePatterns
    let hashesAnything: Bool
    /// What becomes of the keys that are known by number: most of those there are, without comparing their names.
    private let fates: [Fate]
    private let events = NamePatterns(MessageContent.spanEvents)

    init(drop: [String], hash: [String]) {
        let (dropped, hashed) = (NamePatterns(drop), NamePatterns(hash))
        var fates = [Fate](repeating: .keep, count: AttributeKey.limit)
        for key in AttributeKey.all {
            let name = Array(key.name.utf8)[...]
            fates[Int(key.rawValue)] = hashed.hasName(name) ? .hash : dropped.hasName(name) ? .drop : .keep
        }
        (self.dropped, self.hashed, self.fates) = (dropped, hashed, fates)
        hashesAnything = !hash.isEmpty
    }

    /// A name in a list decides over a pattern, hashing over dropping; no pattern takes a key that later stages look for.
    func fate(of entry: AttributeEntry, in otlp: OTLPBatch) -> Fate {
        if entry.keyID != .unknown { return fates[Int(entry.keyID.rawValue)] }
        let name = otlp.bytes(of: entry.key)
        if hashesAnything, hashed.hasName(name) { return .hash }
        return dropped.hasName(name) || dropped.hasPrefix(of: name) ? .drop : .keep
    }

    /// Whether a span event is a message: by its name, or because its name is a sentence, which is where Rust's `tracing` puts
    /// what was logged.
    func isMessage(eventNamed name: ArraySlice<UInt8>) -> Bool {
        name.contains { $0 == 32 || (9...13).contains($0) } || events.hasName(name) || events.hasPrefix(of: name)
    }

    enum Fate {
        case keep, drop, hash
    }
}
