// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import YAML

/// What must hold between components that listen.
extension GraphRules {
    func endpoints(_ uses: [Use]) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        let hasKeys = graph.hasAuthenticator
        var byPort: [Int: (endpoint: Endpoint, use: Use)] = [:]
        for use in uses {
            guard case .endpoint(let endpoint) = use.resource.kind else { continue }
            if !endpoint.isLoopback, !hasKeys {
                findings.append(
                    .error(
                        "open-listener",
                        "\(endpoint) would be open to everyone on the network, and no keys are asked for",
                        at: use.mark,
                        help: "write 127.0.0.1:\(endpoint.port), or name an extension api_keys under service.extensions"
                    )
                )
            }
            guard endpoint.port != 0 else { continue }
            guard let first = byPort[endpoint.port] else {
                byPort[endpoint.port] = (endpoint, use)
                continue
            }
            guard first.endpoint != endpoint else { continue }
            findings.append(
                .error(
                    "port-conflict",
                    "\"\(use.component.id)\" wants \(endpoint), but \"\(first.use.component.id)\" listens on \(first.endpoint)",
                    at: use.mark,
                    help: "write \(first.endpoint) in both to share one listener, or another port",
                    notes: [.init("the other endpoint is here", at: first.use.mark)]
                )
            )
        }
        return findings
    }

    /// Components on one listener: its connections are either encrypted, all in one way, or not.
    func encryption(_ uses: [Use]) -> [Diagnostic] {
        var wanted: [String: TLSConfig] = [:]
        for use in uses {
            if case .tls(let config, _) = use.resource.kind { wanted[Self.key(use.component)] = config }
        }
        var findings: [Diagnostic] = []
        var owners: [Endpoint: Use] = [:]
        for use in uses {
            guard case .endpoint(let endpoint) = use.resource.kind, endpoint.port != 0 else { continue }
            guard let owner = owners[endpoint] else {
                owners[endpoint] = use
                continue
            }
            guard wanted[Self.key(use.component)] != wanted[Self.key(owner.component)] else { continue }
            findings.append(
                .error(
                    "tls-conflict",
                    "\"\(use.component.id)\" and \"\(owner.component.id)\" share \(endpoint), but not their tls",
                    at: use.mark,
                    help: "write the same tls section in both, or give one of them another endpoint",
                    notes: [.init("the other endpoint is here", at: owner.mark)]
                )
            )
        }
        return findings
    }

    private static func key(_ component: DeclaredComponent) -> String { "\(component.kind.rawValue)/\(component.id)" }

    /// The extensions that components trust to ask for keys.
    func authenticators(_ uses: [Use]) -> [Diagnostic] {
        let known = graph.used(.extension)
            .filter { ($0.factory as? any ExtensionFactory)?.isAuthenticator == true }.map(\.id.description)
        return uses.compactMap { use in
            guard case .authenticator(let name) = use.resource.kind, !known.contains(name) else { return nil }
            let message = "no extension \"\(name)\" that asks for keys is named under service.extensions"
            return .error(
                "authenticator",
                use.component.locations.concealing(message, at: use.resource.path),
                at: use.mark,
                help: known.isEmpty
                    ? "declare api_keys under extensions and name it under service.extensions"
                    : "write \(known.joined(separator: " or "))"
            )
        }
    }

    /// Receivers of one kind on one listener: what is posted to a path can go to one of them only.
    func paths(_ uses: [Use]) -> [Diagnostic] {
        var owners: [ConfigResource.Kind: Use] = [:]
        var conflicts: [(owner: Use, other: Use, endpoint: Endpoint, paths: [String])] = []
        for use in uses {
            // The endpoint of one with errors may not be the one that was meant.
            guard case .path(let path, let endpoint) = use.resource.kind, !use.component.hasErrors else { continue }
            guard let owner = owners[use.resource.kind] else {
                owners[use.resource.kind] = use
                continue
            }
            let known = conflicts.firstIndex {
                $0.owner.component.id == owner.component.id && $0.other.component.id == use.component.id
            }
            if let known {
                conflicts[known].paths.append(path)
            } else {
                conflicts.append((owner, use, endpoint, [path]))
            }
        }
        return conflicts.map { owner, other, endpoint, paths in
            .error(
                "path-conflict",
                "\"\(other.component.id)\" and \"\(owner.component.id)\" would both answer "
                    + "\(paths.joined(separator: ", ")) on \(endpoint)",
                at: other.mark,
                help: "give one of them another endpoint or other paths, or name one receiver in all the pipelines",
                notes: [.init("the other receiver is here", at: owner.mark)]
            )
        }
    }
}
