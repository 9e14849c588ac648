// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import SendingQueue
import YAML

/// What the collector itself reads in the section of a processor of a plugin.
struct PluginProcessorKeys: ComponentConfig {
    /// How long the plugin may take for a batch.
    var timeout = ConfigDuration(seconds: 30)
    /// What happens to a batch to which it gives no answer.
    var onError = OnError.refuse

    init() {}

    enum CodingKeys: String, CodingKey {
        case timeout
        case onError = "on_error"
    }

    /// What happens to a batch that the plugin does not answer.
    enum OnError: String, Codable, Sendable, CaseIterable {
        /// The sender gets 503 and sends it again.
        case refuse
        /// It goes on as it is.
        case pass
        /// It is left out and counted.
        case drop
    }

    static let documentation = [
        "timeout": "how long the plugin may take for a batch; it is ended and started again then",
        "on_error":
            "a batch without an answer: refuse (the sender gets 503 and tries again), pass (goes on unchanged) or drop",
    ]

    func validate(_ findings: inout ConfigFindings) { PluginTime.check(timeout, &findings) }
}

/// What the collector itself reads in the section of an exporter of a plugin.
struct PluginExporterKeys: QueuedExporterConfig {
    /// How long the plugin may take for a request.
    var timeout = ConfigDuration(seconds: 30)
    var retryOnFailure = RetryConfig()
    var sendingQueue = SendingQueueConfig()
    var deadLetters = DeadLettersConfig()

    init() {}

    enum CodingKeys: String, CodingKey {
        case timeout
        case retryOnFailure = "retry_on_failure"
        case sendingQueue = "sending_queue"
        case deadLetters = "dead_letters"
    }

    static let documentation = [
        "timeout": "how long the plugin may take for a request; it is ended and started again then"
    ].merging(sendingDocumentation) { own, _ in own }

    func validate(_ findings: inout ConfigFindings) {
        PluginTime.check(timeout, &findings)
        validateSending(&findings)
    }
}

/// What the collector itself reads in the section of a receiver of a plugin: nothing.
struct PluginReceiverKeys: ComponentConfig {
    init() {}
    static let documentation: [String: String] = [:]
}

private enum PluginTime {
    static func check(_ timeout: ConfigDuration, _ findings: inout ConfigFindings) {
        guard !(1_000_000_000...3_600_000_000_000).contains(timeout.nanoseconds) else { return }
        findings.error("out-of-range", "a timeout is 1s to 1h", at: ["timeout"], help: "write 30s")
    }
}

/// The configuration of a component of a plugin: what the collector reads, and the rest as JSON for the plugin.
struct PluginValues<Keys: ComponentConfig>: ConfigValues {
    let keys: Keys
    let json: String

    func validate(_ findings: inout ConfigFindings) { keys.validate(&findings) }
    var resources: [ConfigResource] { keys.resources }
    var sendingQueueFolder: String? { keys.sendingQueueFolder }
}

extension ConfigDefinition {
    /// The keys that the collector reads and those of a plugin's schema, in one section.
    init<Keys: ComponentConfig>(_ type: Keys.Type, and schema: PluginSchema, home: String?) {
        let own = ConfigDefinition(type)
        let names = Set(own.keys.compactMap(\.path.first))
        var defaults = own.defaults
        if case .mapping(var mapping)? = defaults {
            for key in schema.keys where key.path.count == 1 {
                guard let text = key.defaultText, key.type != .secret else { continue }
                mapping[key.name] = .scalar(Scalar(text, mark: mapping.mark))
            }
            defaults = .mapping(mapping)
        }
        self.init(
            keys: schema.keys + own.keys,
            schema: schema.takesAll ? #"{"type":["object","null"]}"# : nil,
            defaults: defaults,
            decode: { written, diagnostics in
                var (ours, theirs) = ([Node.Entry](), [Node.Entry]())
                for entry in written.mapping?.entries ?? [] {
                    if names.contains(entry.key.text) { ours.append(entry) } else { theirs.append(entry) }
                }
                let mark = written.mark
                for name in schema.secretNames { diagnostics.secretKeys.insert(name) }
                let keys = ConfigDecoder(home: home).decode(
                    Keys.self,
                    from: .mapping(Node.Mapping(ours, mark: mark)),
                    over: Keys(),
                    diagnostics: &diagnostics
                )
                let rest = written.mapping == nil ? written : .mapping(Node.Mapping(theirs, mark: mark))
                let json = schema.json(of: rest, beside: names.sorted(), &diagnostics)
                return PluginValues(keys: keys, json: json)
            }
        )
    }
}
