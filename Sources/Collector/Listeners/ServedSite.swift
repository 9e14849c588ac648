// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// What is answered at one address, to whom and how; exchanged as a whole when the configuration changes.
final class ServedSite: Sendable {
    let table: RouteTable
    let limits: ListenerLimits
    let admission: AccessPolicy
    /// For new connections; nil for plain HTTP.
    let tls: NIOSSLContext?

    init(
        _ table: RouteTable,
        _ limits: ListenerLimits,
        _ admission: AccessPolicy = .everybody,
        tls: NIOSSLContext? = nil
    ) {
        self.table = table
        self.limits = limits
        self.admission = admission
        self.tls = tls
    }
}
