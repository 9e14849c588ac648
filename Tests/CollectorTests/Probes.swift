// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import HTTPTypes
import OTLP
import RawHTTP
import Usage

/// What a probe is told to do.
struct ProbeConfig: ComponentConfig {
    /// Whether its start fails.
    var fails = false
    /// Whether its shutdown never ends.
    var stalls = false

    static let documentation = ["fails": "the start fails", "stalls": "the shutdown never ends"]
}

/// A component of any kind that writes down what happens to it.
struct Probe: Receiver, Processor, Exporter, Extension {
    let name: String
    let config: ProbeConfig
    let journal: Journal

    func start() async throws(StartError) {
        journal.write("start \(name)")
        if config.fails { throw StartError(.permission, "\(name) may not start") }
    }

    func shutdown() async {
        journal.write("stop \(name)")
        if config.stalls { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
    }

    func process(_ batch: inout Batch) throws(ConsumeError) {}

    func consume(_ batch: Batch) async throws(ConsumeError) {}
}

/// Makes probes of every kind.
struct ProbeFactory: ReceiverFactory, ProcessorFactory, ExporterFactory, ExtensionFactory {
    typealias Config = ProbeConfig

    let journal: Journal
    let type = "probe"
    let summary = "writes down what happens to it"

    func makeReceiver(_ config: ProbeConfig, _ settings: ComponentSettings, next: SignalConsumers) -> any Receiver {
        probe(config, settings)
    }

    func makeProcessor(_ config: ProbeConfig, _ settings: ComponentSettings) throws(StartError) -> any Processor {
        probe(config, settings)
    }

    func makeExporter(_ config: ProbeConfig, _ settings: ComponentSettings) -> any Exporter { probe(config, settings) }

    func makeExtension(
        _ config: ProbeConfig,
        _ settings: ComponentSettings,
        with parts: CollectorParts
    ) -> any Extension { probe(config, settings) }

    private func probe(_ config: ProbeConfig, _ settings: ComponentSettings) -> Probe {
        Probe(name: settings.id.name, config: config, journal: journal)
    }
}

/// Where a component of the type `web` listens.
struct WebConfig: ComponentConfig {
    var endpoint = Endpoint(host: "127.0.0.1", port: 0)

    static let documentation = ["endpoint": "where to listen"]

    var resources: [ConfigResource] { [ConfigResource(.endpoint(endpoint), at: ["endpoint"])] }
}

/// Makes components that answer what a test wants them to.
struct WebFactory: ExtensionFactory {
    typealias Config = WebConfig

    /// What each of them answers, by the name in its id.
    let routes: [String: [Route]]
    /// Whether each of them can be asked to have the configuration loaded again.
    var reloads = false
    let type = "web"
    let summary = "answers requests"

    func makeExtension(
        _ config: WebConfig,
        _ settings: ComponentSettings,
        with parts: CollectorParts
    ) -> any Extension {
        let reload = Route(.post, "/reload") { _ in
            guard case .applied(let changes) = await parts.reload() else {
                return ServerResponse(.unprocessableContent)
            }
            return ServerResponse(.ok, body: .bytes(Array("\(changes)".utf8)))
        }
        return Web(endpoint: config.endpoint, routes: (routes[settings.id.name] ?? []) + (reloads ? [reload] : []))
    }

    private struct Web: Extension, HTTPServing {
        let endpoint: Endpoint
        let routes: [Route]
    }
}

extension Registry {
    /// Probes and components that answer requests.
    static func probes(_ journal: Journal, _ routes: [String: [Route]] = [:], reloading: Bool = false) -> Registry {
        let probe = ProbeFactory(journal: journal)
        return Registry(
            receivers: [probe],
            processors: [probe],
            exporters: [probe],
            extensions: [probe, WebFactory(routes: routes, reloads: reloading)]
        )
    }
}
