// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// An HTTP proxy.
struct ProxyAddress: Hashable {
    let host: String
    let port: Int
    /// The credentials for the proxy; nil for none.
    let credentials: Credentials?

    /// A name and a password, decoded.
    struct Credentials: Hashable {
        var user: String
        var password: String

        /// Both for `Proxy-Authorization` (RFC 7617), without the scheme.
        var basic: String { Data("\(user):\(password)".utf8).base64EncodedString() }
    }

    /// Parses `http://host:port`, `http://user:password@host:port` or `host:port`, as environment variables have them; nil for
    /// anything else: other kinds of proxies are not supported.
    init?(_ text: String) {
        let isBare = text.firstRange(of: "://") == nil
        let whole = isBare ? "http://\(text)" : text
        let start = "http://"
        guard whole.lowercased().hasPrefix(start) else { return nil }
        var rest = whole.dropFirst(start.count).prefix { $0 != "/" }
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            credentials = Credentials(
                user: PercentEncoding.decode(parts.first ?? ""),
                password: parts.count > 1 ? PercentEncoding.decode(parts[1]) : ""
            )
            rest = rest[rest.index(after: at)...]
        } else {
            credentials = nil
        }
        guard let address = WebAddress(start + rest) else { return nil }
        (host, port) = (address.host, address.port)
    }

    /// What must not be shown of the credentials, in each form in which it is sent.
    var secrets: [Secret] {
        guard let credentials else { return [] }
        return [Secret(credentials.password), Secret(credentials.basic)]
    }

    /// Host and port, without the credentials.
    var text: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}

/// The proxies for requests: that of the configuration, or those of the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, also
/// in lower case), by the rules of Go's `httpproxy`, which the OpenTelemetry Collector uses.
struct ProxyRoutes {
    private var plain: ProxyAddress?
    private var encrypted: ProxyAddress?
    private var exceptions: [String] = []
    /// Whether the configuration names one proxy for all requests.
    private var isConfigured = false
    /// Variables whose values are not the address of an HTTP proxy.
    private(set) var unusable: [String] = []

    init(configured: String, environment: [String: String]) {
        if !configured.isEmpty {
            (plain, isConfigured) = (ProxyAddress(configured), true)
            encrypted = plain
            return
        }
        plain = read("HTTP_PROXY", environment)
        encrypted = read("HTTPS_PROXY", environment)
        exceptions = (Self.value("NO_PROXY", environment) ?? "").lowercased().split { $0 == "," || $0.isWhitespace }
            .map(String.init)
    }

    private static func value(_ name: String, _ environment: [String: String]) -> String? {
        [name, name.lowercased()].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }

    private mutating func read(_ name: String, _ environment: [String: String]) -> ProxyAddress? {
        guard let text = Self.value(name, environment) else { return nil }
        let proxy = ProxyAddress(text)
        if proxy == nil { unusable.append(name) }
        return proxy
    }

    /// What must not be shown of the proxies' credentials.
    var secrets: [Secret] { [plain, encrypted].flatMap { $0?.secrets ?? [] } }

    /// The proxy for https addresses, which all use a tunnel; nil for none.
    var tunnel: ProxyAddress? { encrypted }

    /// The proxy for an address; nil for a direct connection.
    func proxy(for address: WebAddress) -> ProxyAddress? {
        guard let proxy = address.scheme == "https" ? encrypted : plain else { return nil }
        return isConfigured || !isExcepted(address) ? proxy : nil
    }

    private func isExcepted(_ address: WebAddress) -> Bool {
        // A proxy of the environment is never used for this machine.
        if Endpoint(host: address.host, port: address.port).isLoopback { return true }
        return exceptions.contains { Self.excepts($0, address) }
    }

    /// Whether an entry of `NO_PROXY` matches an address: `*`, a name with all its subdomains, `.name` for the subdomains alone, an address,
    /// or a network (`10.0.0.0/8`, `fd00::/8`); names and addresses may have a port.
    private static func excepts(_ entry: String, _ address: WebAddress) -> Bool {
        if entry == "*" { return true }
        let number = IPAddress(address.host)
        if entry.contains("/") { return number?.isIn(network: entry) == true }
        var name = entry[...]
        if let colon = entry.lastIndex(of: ":"), entry[..<colon].firstIndex(of: ":") == nil || entry.hasPrefix("[") {
            if let port = UInt16(entry[entry.index(after: colon)...]) {
                guard Int(port) == address.port else { return false }
                name = entry[..<colon]
            }
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        if let number, let excepted = IPAddress(name) { return number == excepted }
        if name.hasPrefix("*.") { name = name.dropFirst() }
        if name.hasPrefix(".") { return address.host.hasSuffix(name) }
        return address.host == name || address.host.hasSuffix(".\(name)")
    }
}

/// Writes the absolute address into the first line of requests that an HTTP proxy receives unencrypted (RFC 9112 §3.2.2).
///
/// The HTTP library would request a tunnel, which proxies by default allow only to port 443.
final class AbsoluteForm: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// The field that carries the address to this handler; it is removed before sending.
    static let field = "X-Hammurabi-Absolute-Form"

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var part = unwrapOutboundIn(data)
        if case .head(var head) = part, let address = head.headers.first(name: Self.field) {
            head.uri = address
            head.headers.remove(name: Self.field)
            part = .head(head)
        }
        context.write(wrapOutboundOut(part), promise: promise)
    }

    /// Adds the handler to a connection of the HTTP library.
    @Sendable static func add(to channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let encoder = try pipeline.handler(type: HTTPRequestEncoder.self)
            try pipeline.addHandler(AbsoluteForm(), position: .after(encoder))
        }
    }
}
