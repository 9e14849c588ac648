// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import Usage

/// When the certificate that a destination shows is valid.
///
/// It is asked for once more after it was not accepted, because the TLS library does not say why; nothing is sent to the destination.
struct PresentedCertificate: Hashable {
    let notBefore: Timestamp
    let notAfter: Timestamp

    /// As long as it may take to learn it.
    private static let timeout = TimeAmount.seconds(5)

    init(notBefore: Timestamp, notAfter: Timestamp) { (self.notBefore, self.notAfter) = (notBefore, notAfter) }

    private init(_ certificate: NIOSSLCertificate) {
        notBefore = Timestamp(nanoseconds: Int64(certificate.notValidBefore) * 1_000_000_000)
        let end = Int64(certificate.notValidAfter).multipliedReportingOverflow(by: 1_000_000_000)
        notAfter = Timestamp(nanoseconds: end.overflow ? .max : end.partialValue)
    }

    /// Asks a destination for it; nil when that does not answer or shows none.
    static func shown(by address: WebAddress, under name: String, on group: any EventLoopGroup) async -> Self? {
        let loop = group.next()
        let found = loop.makePromise(of: Self?.self)
        loop.scheduleTask(in: timeout) { found.succeed(nil) }
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(timeout).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let isName = (try? SocketAddress(ipAddress: name, port: 0)) == nil
                let handler = try NIOSSLClientHandler(
                    context: NIOSSLContext(configuration: .makeClientConfiguration()),
                    serverHostname: isName ? name : nil
                ) { (certificates: [NIOSSLCertificate], recordClass: EventLoopPromise<NIOSSLVerificationResult>) in
                    found.succeed(certificates.first.map { Self($0) })
                    // Its dates are all that is wanted.
                    recordClass.succeed(NIOSSLVerificationResult.failed)
                }
                try channel.pipeline.syncOperations.addHandler(handler)
            }
        }
        do {
            let channel = try await bootstrap.connect(host: address.host, port: address.port).get()
            channel.closeFuture.whenComplete { _ in found.succeed(nil) }
            defer { channel.close(mode: .all, promise: nil) }
            return try await found.futureResult.get()
        } catch {
            found.succeed(nil)
            return nil
        }
    }

    /// What is wrong with its dates and what to do about it; nil when they are as they should be.
    func trouble(at now: Timestamp) -> String? {
        if now > notAfter { return "its certificate has expired on \(notAfter.iso8601.prefix(10)); renew it there" }
        guard now < notBefore else { return nil }
        return "its certificate is not valid before \(notBefore.iso8601.prefix(10)); "
            + "check the clocks of both machines, or replace it there"
    }
}
