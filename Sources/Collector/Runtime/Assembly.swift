// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// The components of a graph, made and connected; some of them may have been at work before.
struct Assembly: Sendable {
    var exporters: [Member<any Exporter>] = []
    var processors: [Member<any Processor>] = []
    var extensions: [Member<any Extension>] = []
    var receivers: [Member<any Receiver>] = []
    /// Where the batches of each receiver go once this assembly is at work.
    var feeds: [Feed] = []

    /// A component as one of its kind.
    struct Member<Kind: Sendable>: Sendable {
        var instance: Instance
        let component: Kind
    }

    /// A component of any kind with its name, its numbers and what the host knows about it.
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

        /// Starts it; from then on it is given batches.
        func start() async throws(StartError) {
            // A receiver may bring batches while it starts: what is behind it runs already.
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

        /// Gives it no more batches, waits so long at most for those under way, and shuts it down.
        func stop(patience: Duration) async {
            tap.end()
            life.gate.close()
            if !life.gate.isEmpty {
                _ = await finishes(within: patience) { [gate = life.gate] in await gate.emptied() }
            }
            await component.shutdown()
            life.station = .stopped
        }

        /// What it answers at each of its addresses, counted.
        var sites: [HTTPSite] {
            (component.httpServing?.sites ?? []).map { site in
                HTTPSite(
                    site.endpoint,
                    site.routes.map(tenancy.counting),
                    site.connectionTerms,
                    tls: site.tls,
                    isSpare: site.isSpare
                )
            }
        }
    }

    /// One inlet with what is to lie behind it.
    struct Feed: Sendable {
        let inlet: PipelineSwitch
        let consumer: any Consumer
        /// The exporters behind it.
        let exporters: [any Exporter]
        /// The processors and exporters behind it, by identity.
        let reaches: Set<ObjectIdentifier>

        /// Lets the inlet lead here; returns the gate of what is still on its way through what was there before.
        @discardableResult func turn() -> Gate? { inlet.lead(to: consumer, ending: exporters) }
    }

    /// In the order of starting: what keeps data first, what takes it in last.
    var startOrder: [Instance] {
        exporters.map(\.instance) + processors.map(\.instance) + extensions.map(\.instance)
            + receivers.map(\.instance)
    }

    /// Who knows the keys of senders.
    var authenticator: (any Authenticator, ComponentCounters)? {
        extensions.lazy.compactMap { member in
            member.component.authenticator.map { ($0, member.instance.counters) }
        }.first
    }

    /// The component of an id, whatever its kind.
    func instances(_ id: ComponentID) -> [Instance] { startOrder.filter { $0.id == id } }

    /// What all components answer, by endpoint.
    var sites: [Endpoint: Site] {
        var sites: [Endpoint: Site] = [:]
        for instance in startOrder {
            for site in instance.sites {
                sites[site.endpoint, default: Site(site)].add(site, of: instance.kind)
            }
        }
        return sites
    }

    /// What the components on one endpoint answer, and how they treat its connections.
    struct Site {
        private(set) var routes: [Route] = []
        private(set) var terms: ConnectionTerms
        /// Whether more is answered than telemetry is taken in.
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
    /// - Returns: Which components they are.
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
