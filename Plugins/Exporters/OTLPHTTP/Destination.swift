// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import CollectorKit
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import OTLP
import SendingQueue
import Usage

/// The destination of batches: sends one request and returns the outcome.
struct Destination: Sendable {
    private let clients: ForwardingClients
    private let addresses: [Signal: WebAddress]
    private let untaken: UntakenSignals
    /// Called once for a signal that the destination never accepts.
    private let onUntaken: @Sendable (Signal, UInt) -> Void
    private let config: OTLPHTTPConfig
    private let version: String
    private let now: @Sendable () -> Timestamp
    /// Finds what shows who this collector is; nil where nothing has to.
    private let credentials: (@Sendable () -> (any ClientCredentials)?)?

    /// A larger body is not sent (OTLP 1.11: 64 MiB).
    static let largestBody = 64 << 20
    /// The largest part of an answer that is read (OTLP 1.11: 4 MiB).
    private static let largestAnswer = 4 << 20
    private static let redirections = 5

    init(
        _ config: OTLPHTTPConfig,
        clients: ForwardingClients,
        version: String,
        untaken: UntakenSignals,
        now: @escaping @Sendable () -> Timestamp,
        credentials: (@Sendable () -> (any ClientCredentials)?)? = nil,
        onUntaken: @escaping @Sendable (Signal, UInt) -> Void
    ) {
        self.clients = clients
        self.untaken = untaken
        self.onUntaken = onUntaken
        self.config = config
        self.version = version
        self.now = now
        self.credentials = credentials
        addresses = config.addresses
    }

    /// Whether there is an address for a signal.
    func takes(_ signal: Signal) -> Bool { addresses[signal] != nil }

    /// Whether the destination never accepts a signal, although it accepts another one.
    func neverTakes(_ signal: Signal) -> Bool { untaken.contains(signal, at: now()) }

    /// Sends a request in protobuf, encoded and compressed as configured.
    func send(_ request: OutgoingRequest, _ signal: Signal) async -> SendOutcome {
        guard let address = addresses[signal] else { return .refused("no endpoint for \(signal) is configured") }
        let body: ByteBuffer
        do {
            body = try encoded(request, signal)
        } catch {
            return .refused("the batch cannot be written as \(config.encoding): \(error)")
        }
        guard body.readableBytes <= Self.largestBody else { return .tooLarge("the body has more than 64 MiB") }
        guard let credentials else {
            return await answer(to: await post(body, hops: request.hops, [], to: address), signal, [])
        }
        guard let provider = credentials() else {
            return .later("the extension \(config.auth?.authenticator ?? "") is not running", after: nil)
        }
        let fields: [(name: String, value: Secret)]
        do throws(ClientCredentialsError) {
            fields = try await provider.headerFields()
        } catch {
            return .later("\(error)", after: nil)
        }
        let reply = await post(body, hops: request.hops, fields, to: address)
        let outcome = await answer(to: reply, signal, fields.map(\.value))
        guard case .response(let response) = reply, response.status.code == 401, case .refused(let reason) = outcome
        else { return outcome }
        // Credentials can be renewed or corrected; the batch need not go.
        await provider.wereRefused()
        return .later(reason, after: nil)
    }

    private func encoded(_ request: OutgoingRequest, _ signal: Signal) throws -> ByteBuffer {
        if config.encoding == .proto, config.compression == .none { return request.buffer }
        var body = request.bytes
        if config.encoding == .json {
            var writer = OTLPJSONWriter()
            writer.writeRequest(try OTLPBatch(signal: signal, protobuf: body))
            body = writer.finish()
        }
        switch config.compression {
        case .gzip: body = try Gzip.deflate(body, level: config.compressionParams.level)
        case .zstd: body = try Zstandard.deflate(body, level: config.compressionParams.level)
        case .none: break
        }
        return ByteBuffer(bytes: body)
    }

    /// What came of sending: an answer, or none.
    private enum Reply {
        case response(HTTPClientResponse)
        case none(SendOutcome)
    }

    private func answer(to reply: Reply, _ signal: Signal, _ secrets: [Secret]) async -> SendOutcome {
        switch reply {
        case .response(let response): await answer(response, signal, secrets)
        case .none(let outcome): outcome
        }
    }

    private func post(
        _ body: ByteBuffer,
        hops: Int,
        _ fields: [(name: String, value: Secret)],
        to address: WebAddress
    ) async -> Reply {
        var target = address
        for _ in 0...Self.redirections {
            let response: HTTPClientResponse
            do {
                let client = clients.client(for: target)
                var request = request(body, hops: hops, to: target)
                for (name, value) in fields { request.headers.replaceOrAdd(name: name, value: value.value) }
                response = try await client.execute(request, timeout: config.timeout.amount)
            } catch is CancellationError {
                return .none(.cancelled)
            } catch {
                if Task.isCancelled { return .none(.cancelled) }
                if error as? HTTPClientError == .proxyAuthenticationRequired {
                    return .none(.later(proxyRefusal("", target), after: nil))
                }
                return .none(.later("\(target.authority): \(await reason(error, target))", after: nil))
            }
            guard (300..<400).contains(response.status.code) else { return .response(response) }
            switch redirection(response, from: target) {
            case .success(let next): target = next
            case .failure(let refusal): return .none(.refused(refusal.reason))
            }
        }
        return .none(.refused("the destination redirects in a circle"))
    }

    /// Why there was no answer; for a rejected certificate its dates are examined.
    private func reason(_ error: any Error, _ target: WebAddress) async -> String {
        let reason = ConnectionTrouble.reason(error)
        // Behind a proxy the destination may not be reachable directly.
        guard ConnectionTrouble.isDistrust(error), clients.routes.proxy(for: target) == nil else { return reason }
        let name = config.tls.serverNameOverride.isEmpty ? target.host : config.tls.serverNameOverride
        let certificate = await PresentedCertificate.shown(by: target, under: name, on: clients.direct.eventLoopGroup)
        return certificate?.trouble(at: now()) ?? reason
    }

    private func request(_ body: ByteBuffer, hops: Int, to target: WebAddress) -> HTTPClientRequest {
        var address = target.text
        var headers = HTTPHeaders()
        let proxy = target.scheme == "http" ? clients.routes.proxy(for: target) : nil
        if let proxy {
            headers.add(name: "Host", value: target.authority)
            headers.add(name: AbsoluteForm.field, value: target.text)
            if let credentials = proxy.credentials {
                headers.add(name: "Proxy-Authorization", value: "Basic \(credentials.basic)")
            }
            address = "http://\(proxy.text)\(target.path)"
        } else if !config.tls.serverNameOverride.isEmpty {
            headers.add(name: "Host", value: target.authority)
            address = "\(target.scheme)://\(config.tls.serverNameOverride):\(target.port)\(target.path)"
        }
        for (name, value) in config.headers { headers.replaceOrAdd(name: name, value: value.value) }
        headers.replaceOrAdd(name: HopLimit.fieldName, value: "\(hops + 1)")
        if !headers.contains(name: "User-Agent") {
            headers.add(name: "User-Agent", value: "hammurabi/\(version) (\(Self.system))")
        }
        headers.add(
            name: "Content-Type",
            value: config.encoding == .proto ? "application/x-protobuf" : "application/json"
        )
        if config.compression != .none {
            headers.add(name: "Content-Encoding", value: config.compression.rawValue)
        }
        var request = HTTPClientRequest(url: address)
        request.method = .POST
        request.headers = headers
        request.body = .bytes(body)
        return request
    }

    private static let system: String = {
        #if arch(x86_64)
        let machine = "amd64"
        #elseif arch(arm64)
        let machine = "arm64"
        #else
        let machine = "other"
        #endif
        #if os(Linux)
        return "linux/\(machine)"
        #else
        return "darwin/\(machine)"
        #endif
    }()

    private struct Refusal: Error {
        var reason: String
    }

    /// The address of a redirection.
    ///
    /// 307 and 308 repeat the same request elsewhere; for other codes clients send a GET, which would lose the body and still be answered
    /// with 200. The headers hold secrets, so that only a redirection to the same machine is followed.
    private func redirection(_ response: HTTPClientResponse, from address: WebAddress) -> Result<WebAddress, Refusal> {
        let code = response.status.code
        guard [307, 308].contains(code), let location = response.headers.first(name: "Location") else {
            return .failure(
                Refusal(reason: "\(address.authority) answered \(code); name the address it points to as endpoint")
            )
        }
        let written = location.hasPrefix("/") ? "\(address.scheme)://\(address.authority)\(location)" : location
        guard let next = WebAddress(written) else {
            return .failure(Refusal(reason: "\(address.authority) answered \(code) with no usable address"))
        }
        let isUpgrade = address.scheme == "http" && next.scheme == "https"
        guard next.host == address.host, isUpgrade || (next.scheme, next.port) == (address.scheme, address.port) else {
            return .failure(
                Refusal(
                    reason: "\(address.authority) redirects to \(next.authority), which must not get the headers; "
                        + "name that address as endpoint"
                )
            )
        }
        return .success(next)
    }

    // MARK: - Answers

    private func answer(_ response: HTTPClientResponse, _ signal: Signal, _ secrets: [Secret]) async -> SendOutcome {
        let status = response.status.code
        if (200..<300).contains(status) {
            untaken.noteTaken(signal)
            return await success(response, secrets)
        }
        if untaken.noteRefused(signal, status: status, at: now()) { onUntaken(signal, status) }
        let message = await failureMessage(response, secrets)
        // The status shows the latest reason, which must not hide the other signals.
        let refused = untaken.signals
        let start =
            refused.contains(signal)
            ? "the destination does not accept \(refused.map(\.rawValue).joined(separator: ", ")): it answered \(status)"
            : "the destination answered \(status)"
        let reason = message.isEmpty ? start : "\(start): \(message)"
        switch status {
        // What the proxy does not let through can go when its credentials are corrected.
        case 407: return .later(proxyRefusal(message, addresses[signal]), after: nil)
        case 429, 502, 503, 504:
            let asked = response.headers.first(name: "Retry-After").flatMap { RetryAfter.wait($0, now: now()) }
            return .later(reason, after: asked)
        case 413: return .tooLarge(reason)
        default: return .refused(reason)
        }
    }

    /// What to say when a proxy asks for other credentials (RFC 9110 §15.5.8).
    private func proxyRefusal(_ message: String, _ target: WebAddress?) -> String {
        let proxy = target.flatMap { clients.routes.proxy(for: $0) }
        let name = proxy.map { "the proxy \($0.text)" } ?? "a proxy in front of the destination"
        let advice =
            proxy?.credentials == nil ? "it wants a name and password" : "it does not accept the name and password"
        return "\(name) answered 407: \(advice)\(message.isEmpty ? "" : " (\(message))")"
    }

    /// A success stays one, even if its body cannot be read: the batch must not come twice.
    private func success(_ response: HTTPClientResponse, _ secrets: [Secret]) async -> SendOutcome {
        do {
            let body = [UInt8](buffer: try await response.body.collect(upTo: Self.largestAnswer))
            guard let partial = PartialSuccess(body, response) else { return .taken(rejected: 0, message: "") }
            return .taken(rejected: max(0, partial.rejected), message: shown(partial.message, secrets))
        } catch {
            return .taken(rejected: 0, message: "the answer was a success, but cannot be read")
        }
    }

    private func failureMessage(_ response: HTTPClientResponse, _ secrets: [Secret]) async -> String {
        guard let body = try? await response.body.collect(upTo: Self.largestAnswer) else { return "" }
        return shown(PartialSuccess.failureMessage([UInt8](buffer: body), response), secrets)
    }

    /// A foreign text for a log: short, on one line, without our own secrets.
    private func shown(_ text: String, _ secrets: [Secret]) -> String {
        var text = String(text.prefix(1_000))
        for secret in Array(config.headers.values) + secrets + clients.routes.secrets where secret.value.count >= 4 {
            let parts = [secret.value] + secret.value.split(separator: " ").map(String.init).filter { $0.count >= 8 }
            for part in parts {
                text = text.split(separator: part, omittingEmptySubsequences: false).joined(separator: Secret.redacted)
            }
        }
        return String(text.map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 32 } ? " " : $0 }.prefix(200))
    }
}

extension OutgoingRequest {
    /// The request as a buffer of the HTTP library.
    fileprivate var buffer: ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: size)
        for piece in pieces { buffer.writeBytes(piece) }
        return buffer
    }
}

extension OTLPHTTPConfig {
    /// The address of each signal.
    var addresses: [Signal: WebAddress] {
        var addresses: [Signal: WebAddress] = [:]
        let whole: [Signal: String] = [.traces: tracesEndpoint, .logs: logsEndpoint, .metrics: metricsEndpoint]
        for (signal, written) in whole {
            if !written.isEmpty {
                addresses[signal] = WebAddress(written)
            } else if !endpoint.isEmpty {
                addresses[signal] = WebAddress(endpoint)?.base(of: signal)
            }
        }
        return addresses
    }
}

extension ConfigDuration {
    /// The time in the type of the network library.
    var amount: TimeAmount { .nanoseconds(nanoseconds) }
}

/// Why there was no answer, for the operator of the collector.
enum ConnectionTrouble {
    private static let distrust = "CERTIFICATE_VERIFY_FAILED"

    /// Texts of the libraries' errors, and their meaning.
    private static let known = [
        (distrust, "its certificate is not signed by a trusted authority; see tls.ca_file"),
        ("failedToValidateHostname", "its certificate is for another name; see tls.server_name_override"),
        ("CERTIFICATE_REQUIRED", "it requires a client certificate; see tls.cert_file"),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS; use http:// if that is intended"),
        ("Connection refused", "connection refused"),
        ("Connection reset", "the connection was reset"),
        ("Too many open files", "this process may not open more connections and files"),
        ("Network is unreachable", "the network is unreachable"),
        ("No route to host", "there is no route to it"),
        ("failed to resolve", "its name is not known"), ("dnsAError", "its name is not known"),
    ]

    /// Whether the certificate of the destination was rejected; the library does not say why.
    static func isDistrust(_ error: any Error) -> Bool { "\(error)".contains(distrust) }

    /// The reason on one short line, without source positions of the libraries.
    static func reason(_ error: any Error) -> String {
        let text = "\(error)"
        if let (_, meaning) = known.first(where: { text.contains($0.0) }) { return meaning }
        if let error = error as? HTTPClientError { return error.shortDescription.lowercased() }
        return String(text.prefix(120))
    }
}

/// The validity period of a destination's certificate.
///
/// After a certificate was rejected, it is fetched once more, because the TLS library does not say why; no request is sent.
struct PresentedCertificate: Hashable {
    let notBefore: Timestamp
    let notAfter: Timestamp

    /// The time limit of fetching it.
    private static let timeout = TimeAmount.seconds(5)

    init(notBefore: Timestamp, notAfter: Timestamp) { (self.notBefore, self.notAfter) = (notBefore, notAfter) }

    private init(_ certificate: NIOSSLCertificate) {
        notBefore = Timestamp(nanoseconds: Int64(certificate.notValidBefore) * 1_000_000_000)
        let end = Int64(certificate.notValidAfter).multipliedReportingOverflow(by: 1_000_000_000)
        notAfter = Timestamp(nanoseconds: end.overflow ? .max : end.partialValue)
    }

    /// Fetches the certificate of a destination; nil when there is no answer or no certificate.
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
                    // Only its dates are needed.
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

    /// What is wrong with its dates and what to do about it; nil when they are valid.
    func trouble(at now: Timestamp) -> String? {
        if now > notAfter { return "its certificate has expired on \(notAfter.iso8601.prefix(10)); renew it there" }
        guard now < notBefore else { return nil }
        return "its certificate is not valid before \(notBefore.iso8601.prefix(10)); "
            + "check the clocks of both machines, or replace it there"
    }
}
