// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPServer
import HTTPTypes
import Logging

/// The routes and the connection settings of an assembly at each of its endpoints.
struct ServedSites {
    let sites: [Endpoint: ServedSite]
    /// The endpoints that the collector can do without.
    let spare: Set<Endpoint>

    /// Merges the routes of components and reads certificates.
    ///
    /// - Throws: ``StartError`` when two components have the same route, certificates cannot be used, or a listener would be open to all.
    init(_ assembly: Assembly, _ state: CollectorState) throws(StartError) {
        var sites: [Endpoint: ServedSite] = [:]
        let authenticator = assembly.authenticator
        let all = assembly.sites
        for (endpoint, site) in all {
            let admission: AccessPolicy
            if let (authenticator, counters) = authenticator {
                let rule = KeyRule(authenticator: authenticator, counters: counters, failures: state.keyFailures)
                admission = .keys(rule)
            } else if endpoint.isLoopback {
                admission = .local(LocalRule(port: endpoint.port))
            } else {
                throw StartError(
                    .configuration,
                    "\(endpoint) would be open to everyone on the network; name an extension api_keys under service.extensions"
                )
            }
            let tap = site.hasExtension ? [TapRoute(state: state).route] : []
            sites[endpoint] = ServedSite(
                try RouteTable(site.routes + tap),
                ListenerLimits(site.terms),
                admission,
                tls: try site.tls?.context { try StartupFile(path: $0).content() }
            )
        }
        self.sites = sites
        spare = Set(all.filter(\.value.isSpare).keys)
    }

    /// What listens at those of the endpoints that are chosen, in alphabetical order.
    func listeners(_ state: CollectorState, _ logger: Logger, where isChosen: (Endpoint) -> Bool = { _ in true })
        -> [HTTPListener]
    {
        sites.filter { isChosen($0.key) }.sorted { $0.key.description < $1.key.description }.map { endpoint, site in
            HTTPListener(
                endpoint: endpoint,
                isSpare: spare.contains(endpoint),
                site: site,
                memory: state.memory,
                intake: state.intake,
                logger: logger
            )
        }
    }
}

/// Streams samples of a component's batches: `GET /api/telemetry/tap/{component}?limit=10`, one OTLP/JSON request a line.
///
/// At most ten samples a second are taken; the answer ends at the limit, or when the component stops or the client disconnects.
struct TapRoute {
    let state: CollectorState

    static let path = "/api/telemetry/tap/{component}"
    private static let limits = 1...10_000

    var route: Route {
        Route(.get, Self.path) { [state] request in
            let answer = ErrorAnswer(request.head)
            let id = request.parameters["component"].flatMap { ComponentID($0) }
            guard let id, let tap = state.assembly.instances(id).first(where: { $0.kind != .extension })?.tap else {
                return answer.response(.notFound, "no receiver, processor or exporter has this id")
            }
            guard request.query.keys.allSatisfy({ $0 == "limit" }) else {
                return answer.response(.badRequest, "this request has no other parameter than limit")
            }
            let limit = request.query["limit"].map { Int($0) } ?? 1_000
            guard let limit, Self.limits.contains(limit) else {
                return answer.response(.badRequest, "limit is a number from 1 to 10000")
            }
            guard let samples = tap.watch(limit: limit) else {
                return answer.response(
                    .serviceUnavailable,
                    "others look at this component already",
                    [.retryAfter: "10"]
                )
            }
            return ServerResponse(
                .ok,
                [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
                body: .stream(samples)
            )
        }
    }
}
