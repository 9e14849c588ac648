// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// What an assembly answers at each of its endpoints.
struct ServedSites {
    let sites: [Endpoint: ServedSite]

    /// Joins the routes of components and reads certificates.
    ///
    /// - Throws: ``StartError`` when two components answer the same, certificates cannot be used, or a listener would be open to all.
    init(_ assembly: Assembly, _ state: CollectorState) throws(StartError) {
        var sites: [Endpoint: ServedSite] = [:]
        let authenticator = assembly.authenticator
        for (endpoint, site) in assembly.sites {
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
                tls: try site.tls?.context()
            )
        }
        self.sites = sites
    }
}
