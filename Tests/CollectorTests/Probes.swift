// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import HTTPTypes
import OTLP
import RawHTTP
import Usage

/// The behaviour of a probe.
struct ProbeConfig: ComponentConfig {
    /// Whether its start fails.
    var fails = false
    /// Whether its shutdown never ends.
    var stalls = false

    static let documentation = ["fails": "the start fails", "stalls": "the shutdown never ends"]
}

/// A component of any kind that records its events.
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

extension ComponentFactory {
    /// Probes of every kind.
    static func probes(_ journal: Journal) -> [ComponentFactory] {
        let (type, summary) = ("probe", "writes down what happens to it")
        @Sendable func probe(_ config: ProbeConfig, _ settings: ComponentSettings) -> Probe {
            Probe(name: settings.id.name, config: config, journal: journal)
        }
        return [
            .receiver(type, ProbeConfig.self, summary: summary) { config, settings, _ in probe(config, settings) },
            .processor(type, ProbeConfig.self, summary: summary) { config, settings in probe(config, settings) },
            .exporter(type, ProbeConfig.self, summary: summary) { config, settings in probe(config, settings) },
            .extension(type, ProbeConfig.self, summary: summary) { config, settings, _ in probe(config, settings) },
        ]
    }
}

/// The address of a component of the type `web`.
struct WebConfig: ComponentConfig {
    var endpoint = Endpoint(host: "127.0.0.1", port: 0)

    static let documentation = ["endpoint": "where to listen"]

    var resources: [ConfigResource] { [ConfigResource(.endpoint(endpoint), at: ["endpoint"])] }
}

extension ComponentFactory {
    /// A factory of components with the routes of a test.
    ///
    /// - Parameters:
    ///   - routes: The routes of each component, by the name in its id.
    ///   - reloads: Whether each component can be asked for a reload.
    static func web(routes: [String: [Route]], reloads: Bool = false) -> ComponentFactory {
        .extension("web", WebConfig.self, summary: "answers requests") { config, settings, parts in
            let reload = Route(.post, "/reload") { _ in
                guard case .applied(let changes) = await parts.reload() else {
                    return ServerResponse(.unprocessableContent)
                }
                return ServerResponse(.ok, body: .bytes(Array("\(changes)".utf8)))
            }
            return Web(endpoint: config.endpoint, routes: (routes[settings.id.name] ?? []) + (reloads ? [reload] : []))
        }
    }
}

private struct Web: Extension, HTTPServing {
    let endpoint: Endpoint
    let routes: [Route]
}

extension Registry {
    /// Probes and components with routes.
    static func probes(_ journal: Journal, _ routes: [String: [Route]] = [:], reloading: Bool = false) -> Registry {
        Registry(ComponentFactory.probes(journal) + [.web(routes: routes, reloads: reloading)])
    }
}
