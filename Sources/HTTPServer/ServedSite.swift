// SPDX-License-Identifier: Apache-2.0

package import NIOSSL

/// What is answered at one address, to whom and how; exchanged as a whole when the configuration changes.
package final class ServedSite: Sendable {
    package let table: RouteTable
    let limits: ListenerLimits
    let admission: AccessPolicy
    /// For new connections; nil for plain HTTP.
    let tls: NIOSSLContext?

    package init(
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
