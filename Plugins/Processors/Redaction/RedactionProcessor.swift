// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Files
import OTLP
import Synchronization
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Removes texts from records that may be messages, and replaces what identifies people by hashes.
///
/// It changes only the overlay of a batch, and nothing that calls are counted by: it may run before or after `tokens`.
final class RedactionProcessor: Processor {
    private let rules: RedactionRules
    private let dropsBodies: Bool
    private let dropsEvents: Bool
    private let salt: Salt
    private let settings: ComponentSettings
    /// The key of the marks that replace names: equal names have equal marks as long as the program runs.
    private let markKey: [UInt8]
    private let memory = Mutex(KeyMemory())

    init(_ config: RedactionConfig, _ settings: ComponentSettings) {
        rules = RedactionRules(
            keep: config.keepAttributes + config.allowedKeys,
            drop: config.dropAttributes,
            hash: config.hashAttributes,
            allowsAllKeys: config.allowAllKeys
        )
        dropsBodies = config.logBodies == .drop
        dropsEvents = config.spanEvents == .drop
        salt = Salt(config.salt)
        var random = SystemRandomNumberGenerator()
        markKey = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        self.settings = settings
    }

    func start() async throws(StartError) {
        if rules.hashesAnything { try salt.load(folder: settings.home, for: settings.id) }
    }

    func process(_ batch: inout Batch) throws(ConsumeError) {
        var pass = RedactionPass(
            rules,
            dropsEvents: dropsEvents,
            key: salt.key,
            markKey: salt.key ?? markKey,
            memory: memory.withLock(\.self)
        )
        var reader = ContentReader(batch.signal)
        var changes = ContentChanges()
        reader.reviewFrames(of: batch.otlp, by: &pass, &changes)
        for resource in batch.otlp.resources.indices { _ = pass.redact(.resource(resource), of: &batch.otlp) }
        for scope in batch.otlp.scopes.indices { _ = pass.redact(.scope(scope), of: &batch.otlp) }
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            let hadMessage = pass.redact(.record(record), of: &batch.otlp)
            reader.review(record: record, of: batch.otlp, by: &pass, &changes)
            let isStrict = reader.hasStrictBody
            if batch.signal == .logs, dropsBodies,
                pass.drops(bodyOf: record, in: batch.otlp, hadMessage: hadMessage, isStrict: isStrict)
            {
                batch.otlp.removeBody(record: record)
            }
        }
        batch.otlp.apply(changes)
        redactCalls(of: &batch)
        settings.intake.noteDropped(pass.counts())
        if pass.memory.hasChanged {
            let learned = pass.memory.settled()
            memory.withLock { $0 = learned }
        }
    }

    /// Redacts the calls that `tokens` extracted before, to the form that it would have extracted after this processor.
    private func redactCalls(of batch: inout Batch) {
        for index in batch.observations.indices {
            if let error = batch.observations[index].error, !rules.keeps(error: error) {
                batch.observations[index].error = RedactionPass.mark
            }
            let terms = batch.observations[index].terms
            if let tier = terms.serviceTier, !rules.keeps(term: tier) {
                batch.observations[index].terms.serviceTier = nil
            }
            if let place = terms.geography, !rules.keeps(term: place) {
                batch.observations[index].terms.geography = nil
            }
        }
    }
}

extension ComponentFactory {
    /// Drops texts and hashes what identifies people; the program's own key is read or created at the start.
    public static let redaction = ComponentFactory.processor(
        "redaction",
        RedactionConfig.self,
        summary: "drops every text that may be a prompt, an answer or an argument, and hashes what identifies people"
    ) { config, settings in RedactionProcessor(config, settings) }
}

/// The key of the hashes: the user's, or a random one kept in a file, so that hashes stay comparable.
final class Salt: Sendable {
    private let value: Mutex<[UInt8]?>

    init(_ secret: Secret) {
        value = Mutex(secret.isEmpty ? nil : Array(secret.value.utf8))
    }

    /// The key; nil until it is loaded.
    var key: [UInt8]? { value.withLock(\.self) }

    /// Reads or creates the program's own key; does nothing when the user configured one.
    func load(folder: String, for id: ComponentID) throws(StartError) {
        guard key == nil else { return }
        let path = "\(folder)/redaction.salt"
        if try read(path, for: id) == nil { try make(path, folder: folder, for: id) }
        guard let bytes = try read(path, for: id) else {
            throw StartError(.inputOutput, "\(id): the salt \(path) cannot be read; check that it may be read")
        }
        let digits = bytes.filter { $0 > 32 }
        guard digits.count >= 32, digits.count <= 4_096 else {
            throw StartError(.configuration, "\(id): the salt \(path) is damaged; delete it, and a new one is made")
        }
        value.withLock { $0 = Array(digits) }
    }

    private func read(_ path: String, for id: ComponentID) throws(StartError) -> [UInt8]? {
        do throws(FileError) {
            return try OwnFile.content(path, largest: 65_536)
        } catch {
            throw StartError(
                error.isPermission ? .permission : .inputOutput,
                "\(id): the salt \(path) cannot be read: \(error.reason)"
            )
        }
    }

    /// Writes a random key to a temporary file and links it to its name, which succeeds for only one of several processes.
    private func make(_ path: String, folder: String, for id: ComponentID) throws(StartError) {
        var random = SystemRandomNumberGenerator()
        let digits = (0..<4).map { _ in
            let word = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - word.count) + word
        }
        try? DurableFolder.make(folder)
        do throws(FileError) {
            var file = try FileReplacement(of: path, draft: "\(path).\(String(random.next(), radix: 16))")
            try file.append(Array((digits.joined() + "\n").utf8))
            _ = try file.commitNew()
        } catch {
            throw StartError(
                .inputOutput,
                "\(id): the salt \(path) cannot be written: \(error.reason); set \"salt\" or make the folder writable"
            )
        }
    }
}
