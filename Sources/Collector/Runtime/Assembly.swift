// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// The components of a graph, created and connected; some may be running already, taken from an earlier assembly.
struct Assembly: Sendable {
    var exporters: [Member<any Exporter>] = []
    var processors: [Member<any Processor>] = []
    var extensions: [Member<any Extension>] = []
    var receivers: [Member<any Receiver>] = []
    /// The targets of each receiver's batches once this assembly is in use.
    var feeds: [Feed] = []

    /// A component with its concrete protocol.
    struct Member<Kind: Sendable>: Sendable {
        var instance: Instance
        let component: Kind
    }

    /// A component of any kind with its id, its counters and the host's state of it.
    struct Instance: Sendable {
        var declared: DeclaredComponent
        /// The pipeline of a processor; empty for all others.
        let pipeline: String
        let component: any Component
        let counters: ComponentCounters
        let passages: PipelineCounters
        let life: ComponentLife
        let lease: RouteLease
        let tap: TapPoint
        /// The switches to which a receiver passes its batches.
        let inlets: [Signal: PipelineSwitch]
        /// The components that an extension was given, by identity.
        let parts: Set<ObjectIdentifier>

        var kind: ComponentKind { declared.kind }
        var id: ComponentID { declared.id }
        var identity: ObjectIdentifier { ObjectIdentifier(life) }

        /// Starts the component; from then on it receives batches.
        func start() async throws(StartError) {
            // A receiver may deliver batches while it starts: the components after it run already.
            if kind == .receiver { life.gate.open() }
            do throws(StartError) {
                try await component.start()
            } catch {
                life.gate.close()
                throw error
            }
            life.gate.open()
            life.station = .started
        }

        /// Stops passing batches to it, waits at most this long for those in flight, and shuts it down.
        func stop(timeout: Duration) async {
            tap.end()
            life.gate.close()
            if !life.gate.isEmpty {
                _ = await finishes(within: timeout) { [gate = life.gate] in await gate.emptied() }
            }
            await component.shutdown()
            life.station = .stopped
        }

        /// What it answers at each of its addresses, counted.
        var sites: [HTTPSite] {
            (component.httpServing?.sites ?? []).map { site in
                HTTPSite(
                    site.endpoint,
                    site.routes.map(lease.counting),
                    site.connectionTerms,
                    tls: site.tls,
                    isSpare: site.isSpare
                )
            }
        }
    }

    /// A receiver's switch and the consumer that it is to lead to.
    struct Feed: Sendable {
        let inlet: PipelineSwitch
        let consumer: any Consumer
        /// The exporters that its batches reach.
        let exporters: [any Exporter]
        /// The processors and exporters that its batches reach, by identity.
        let reaches: Set<ObjectIdentifier>

        /// Switches to this assembly; returns the gate of batches still in flight through the previous consumer.
        @discardableResult func turn() -> Gate? { inlet.lead(to: consumer, ending: exporters) }
    }

    /// All instances in start order: exporters first, receivers last.
    var startOrder: [Instance] {
        exporters.map(\.instance) + processors.map(\.instance) + extensions.map(\.instance)
            + receivers.map(\.instance)
    }

    /// The component that checks the keys of senders.
    var authenticator: (any Authenticator, ComponentCounters)? {
        extensions.lazy.compactMap { member in
            member.component.authenticator.map { ($0, member.instance.counters) }
        }.first
    }

    /// The instances with an id, of any kind.
    func instances(_ id: ComponentID) -> [Instance] { startOrder.filter { $0.id == id } }

    /// The routes of all components, by endpoint.
    var sites: [Endpoint: Site] {
        var sites: [Endpoint: Site] = [:]
        for instance in startOrder {
            for site in instance.sites {
                sites[site.endpoint, default: Site(site)].add(site, of: instance.kind)
            }
        }
        return sites
    }

    /// The routes of the components on one endpoint, and the settings of its connections.
    struct Site {
        private(set) var routes: [Route] = []
        private(set) var terms: ConnectionTerms
        /// Whether an extension has a route here, not only receivers.
        private(set) var hasExtension = false
        /// Whether all of it is answered elsewhere, too.
        private(set) var isSpare = true
        let tls: TLSConfig?

        init(_ first: HTTPSite) { (terms, tls) = (first.connectionTerms, first.tls) }

        mutating func add(_ site: HTTPSite, of kind: ComponentKind) {
            routes += site.routes
            if kind == .extension { hasExtension = true }
            if !site.isSpare { isSpare = false }
            terms = terms.merged(with: site.connectionTerms)
        }
    }
}

extension CollectorParts {
    /// Adds the stores, price tables and scanners of an assembly.
    ///
    /// - Returns: The identities of the components that were added.
    mutating func add(from assembly: Assembly) -> Set<ObjectIdentifier> {
        var given: Set<ObjectIdentifier> = []
        for member in assembly.exporters {
            guard let store = member.component.usageStore else { continue }
            stores[member.instance.id] = store
            given.insert(member.instance.identity)
        }
        for member in assembly.processors {
            guard let table = member.component.priceTableHolding else { continue }
            priceTables.append(table)
            given.insert(member.instance.identity)
        }
        for member in assembly.receivers {
            guard let scanner = member.component.sessionScanner else { continue }
            scanners.append(scanner)
            given.insert(member.instance.identity)
        }
        return given
    }
}
