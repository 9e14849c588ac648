// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import AgentSessionsReceiver
import AttributesProcessor
import BasicAuthExtension
import BearerTokenAuthExtension
import ClickHouseExporter
import Collector
import CollectorKit
import EventsReceiver
import FilterProcessor
import HealthCheckExtension
import HubExtension
import JSONLExporter
import OAuth2ClientExtension
import OTLPHTTPExporter
import OTLPReceiver
import PostgreSQLExporter
import PricingProcessor
import RedactionProcessor
import ResourceProcessor
import RetentionProcessor
import SQLiteExporter
import StdoutExporter
import Synchronization
import TokensProcessor
import UsageMetricsConnector

/// The components of this program: the built-in ones, of which this is the only list, and those that an own build adds.
///
/// The command line parser creates commands from their types alone, so what all commands need is kept in this type. Safe to use from
/// any thread.
enum BuiltInPlugins {
    private static let state = Mutex(State())

    private struct State {
        var added: [ComponentFactory] = []
        var registry: Registry?
    }

    /// All components.
    static var registry: Registry {
        state.withLock { state in
            if let registry = state.registry { return registry }
            let registry = builtIn(pages: ComponentPages.builtIn)
            state.registry = registry
            return registry
        }
    }

    /// The added components, in order.
    static var added: [ComponentFactory] { state.withLock { $0.added } }

    /// Adds components to the built-in ones; must be called before the first command.
    ///
    /// - Throws: ``StartError`` when a component's type is used by another one of its kind; none is added then.
    static func add(_ components: [ComponentFactory]) throws(StartError) {
        var registry = builtIn(pages: ComponentPages.builtIn + components.map { ComponentPages.page(of: $0) })
        for factory in components {
            let types = [factory.type] + factory.aliases
            if let type = types.first(where: { registry.factory(factory.kind, $0) != nil }) {
                throw StartError(.configuration, "two \(factory.kind.rawValue) of this program answer to \(type)")
            }
            registry.add(factory)
        }
        state.withLock { $0 = State(added: components, registry: registry) }
    }

    private static func builtIn(pages: [ComponentPage]) -> Registry {
        Registry([
            .otlp, .events,
            .agentSessions(environment: Environment.process.variables, machine: Environment.process.machineName),
            .tokens, .pricing, .retention, .redaction, .filter, .attributes, .resource,
            .usageMetrics, .sqlite, .jsonl,
            .postgresql(host: Environment.process.machineName, version: Version.number),
            .clickhouse(version: Version.number), .stdout, .otlpHTTP(version: Version.number),
            .hub(version: Version.number, pages: pages, guides: HelpTopics.guides), .apiKeys,
            .healthCheck(version: Version.number),
            .basicAuth, .bearerTokenAuth, .oauth2Client,
        ])
    }
}
