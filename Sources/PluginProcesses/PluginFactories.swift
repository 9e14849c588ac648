// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import JSON
import OTLP

/// A plugin that a configuration names, with what it says of itself.
public struct KnownPlugin: Sendable {
    /// Its name in the configuration.
    public let name: String
    /// What is run.
    public let command: PluginCommand
    /// What changes when its files do.
    public let fingerprint: String
    let description: PluginDescription
    /// How the collector calls itself in the protocol.
    let host: String
    /// The user's home, for paths that begin with `~`.
    let userHome: String?

    /// Its own name for itself and its version.
    public var title: String {
        description.version.isEmpty ? description.name : "\(description.name) \(description.version)"
    }

    /// What makes its components.
    public var factories: [ComponentFactory] {
        description.components.map { offer in
            factory(offer).from(.plugin(name, fingerprint: "\(fingerprint) \(command.memoryLimit)"))
        }
    }

    private func factory(_ offer: PluginDescription.Offer) -> ComponentFactory {
        let schema = PluginSchema(offer.schema)
        let summary = offer.summary.isEmpty ? "the \(offer.kind.singular) of the plugin \(name)" : offer.summary
        @Sendable func terms(_ settings: ComponentSettings, _ json: String) -> PluginSession.Terms {
            PluginSession.Terms(
                kind: offer.kind,
                type: offer.type,
                id: settings.id.description,
                configuration: json,
                stateFolder: Self.stateFolder(offer.kind, settings)
            )
        }
        switch offer.kind {
        case .receiver:
            return .receiver(
                offer.type,
                ConfigDefinition(PluginReceiverKeys.self, and: schema, home: userHome),
                signals: offer.signals,
                stability: .beta,
                summary: summary
            ) { (values: PluginValues<PluginReceiverKeys>, settings, next) throws(StartError) in
                PluginReceiver(command, terms(settings, values.json), host: host, settings, next: next)
            }
        case .exporter:
            return .exporter(
                offer.type,
                ConfigDefinition(PluginExporterKeys.self, and: schema, home: userHome),
                signals: offer.signals,
                stability: .beta,
                summary: summary
            ) { (values: PluginValues<PluginExporterKeys>, settings) throws(StartError) in
                var terms = terms(settings, values.json)
                terms.batchTime = values.keys.timeout.duration
                return PluginExporter(command, terms, values.keys, host: host, settings)
            }
        case .processor, .connector, .extension:
            return .processor(
                offer.type,
                ConfigDefinition(PluginProcessorKeys.self, and: schema, home: userHome),
                signals: offer.signals,
                stability: .beta,
                summary: summary
            ) { (values: PluginValues<PluginProcessorKeys>, settings) throws(StartError) in
                var terms = terms(settings, values.json)
                terms.batchTime = values.keys.timeout.duration
                return PluginProcessor(command, terms, values.keys.onError, host: host, settings)
            }
        }
    }

    /// Where a component may keep files of its own; the id as one name, in which what a path takes for something else is `~` and its number.
    private static func stateFolder(_ kind: ComponentKind, _ settings: ComponentSettings) -> String {
        let name = settings.id.description.unicodeScalars.map { scalar in
            let isPlain =
                ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                || scalar == "_" || scalar == "-"
            return isPlain ? String(scalar) : "~" + String(scalar.value, radix: 16)
        }.joined()
        return "\(settings.home)/plugins/\(kind.rawValue)/\(name)"
    }
}
