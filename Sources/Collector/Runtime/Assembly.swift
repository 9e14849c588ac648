// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// The components of a graph, made and connected; some of them may have been at work before.
struct Assembly: Sendable {
    var exporters: [Instance] = []
    var processors: [Instance] = []
    var extensions: [Instance] = []
    var receivers: [Instance] = []
    /// Where the batches of each receiver go once this assembly is at work.
    var feeds: [Feed] = []

    /// A component with its name, its numbers and what the host knows about it.
    struct Instance: Sendable {
        var declared: DeclaredComponent
        /// The pipeline of a processor; empty for all others.
        let pipeline: String
        let component: any Component
        let counters: ComponentCounters
        let passages: PipelineCounters
        let life: ComponentLife
        let tenancy: RouteLease
        let tap: TapPoint
        /// Where a receiver hands its batches.
        let inlets: [Signal: PipelineSwitch]
        /// The components that an extension was given.
        let parts: Set<ObjectIdentifier>

        var kind: ComponentKind { declared.kind }
        var id: ComponentID { declared.id }
        var identity: ObjectIdentifier { ObjectIdentifier(life) }

        /// What it answers, counted.
        var routes: [Route] { (component as? any HTTPServing)?.routes.map(tenancy.counting) ?? [] }
    }

    /// One inlet with what is to lie behind it.
    struct Feed: Sendable {
        let inlet: PipelineSwitch
        let consumer: any Consumer
        /// The processors and exporters behind it.
        let reaches: Set<ObjectIdentifier>
    }

    /// In the order of starting: what keeps data first, what takes it in last.
    var startOrder: [Instance] { exporters + processors + extensions + receivers }

    /// Who knows the keys of senders.
    var authenticator: (any Authenticator, ComponentCounters)? {
        extensions.lazy.compactMap { instance in
            (instance.component as? any Authenticator).map { ($0, instance.counters) }
        }.first
    }

    /// The component of an id, whatever its kind.
    func instances(_ id: ComponentID) -> [Instance] { startOrder.filter { $0.id == id } }

    /// What all components answer, by endpoint.
    var sites: [Endpoint: Site] {
        var sites: [Endpoint: Site] = [:]
        for instance in startOrder {
            guard let serving = instance.component as? any HTTPServing else { continue }
            let terms = serving.connectionTerms
            sites[serving.endpoint, default: Site(terms: terms, tls: serving.tls)].add(instance, terms)
        }
        return sites
    }

    /// What the components on one endpoint answer, and how they treat its connections.
    struct Site {
        private(set) var routes: [Route] = []
        private(set) var terms: ConnectionTerms
        /// Whether more is answered than telemetry is taken in.
        private(set) var hasExtension = false
        let tls: TLSConfig?

        init(terms: ConnectionTerms, tls: TLSConfig?) {
            self.terms = terms
            self.tls = tls
        }

        mutating func add(_ instance: Instance, _ terms: ConnectionTerms) {
            routes += instance.routes
            if instance.kind == .extension { hasExtension = true }
            self.terms = self.terms.merged(with: terms)
        }
    }
}

extension CollectorParts {
    /// Adds the stores, price tables and scanners of an assembly.
    ///
    /// - Returns: Which components they are.
    mutating func add(from assembly: Assembly) -> Set<ObjectIdentifier> {
        var given: Set<ObjectIdentifier> = []
        // Each kind is asked for its own part alone: a question whether a type conforms to a protocol is dear at every start.
        for instance in assembly.exporters {
            guard let store = instance.component as? any UsageStore else { continue }
            stores[instance.id] = store
            given.insert(instance.identity)
        }
        for instance in assembly.processors {
            guard let table = instance.component as? any PriceTableHolding else { continue }
            priceTables.append(table)
            given.insert(instance.identity)
        }
        for instance in assembly.receivers {
            guard let scanner = instance.component as? any SessionScanner else { continue }
            scanners.append(scanner)
            given.insert(instance.identity)
        }
        return given
    }
}
