// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import FoundationEssentials
import HTTPTypes
import NIOCore

/// Who may ask at a listener; decided by the head of a request alone, before anything of its body is read.
package enum AccessPolicy: Sendable {
    /// Whoever reaches it.
    case everybody
    /// Programs of this machine: no keys are asked for, but a web page in the user's browser is kept out.
    case local(LocalRule)
    /// Whoever shows a key.
    case keys(KeyRule)

    /// Why a request is not answered.
    struct Rejection {
        let code: IntakeProblem.Code
        let status: HTTPResponse.Status
        let message: String
        var fields: HTTPFields = [:]
        /// For how long the answer is held back.
        var delay = TimeAmount.zero
    }
}

/// Keeps web pages out of a listener that is open to all programs of this machine.
///
/// A page of another site can make a browser send anything to this machine (its origin tells), and by making its own name mean this
/// machine it can read the answers, too (its name is in the Host field then: DNS rebinding).
package struct LocalRule: Sendable {
    let port: Int
    /// What almost every Host field says.
    private let usual: String
    /// As much of a Host field is repeated in an answer.
    private static let longestHost = 80

    package init(port: Int) {
        self.port = port
        usual = "127.0.0.1:\(port)"
    }

    func rejection(_ request: HTTPRequest, allowsOrigin: (@Sendable (String) -> Bool)?) -> AccessPolicy.Rejection? {
        let host = request.authority
        if let host, !isLocal(host) {
            return AccessPolicy.Rejection(
                code: .foreignHost,
                status: .misdirectedRequest,
                message:
                    "the host \"\(host.prefix(Self.longestHost))\" is not answered here without keys, because a web page could name itself so; send to 127.0.0.1:\(port) or localhost:\(port), or name the extension api_keys under service.extensions, and a request with a key may use any host"
            )
        }
        guard let origin = request.headerFields[.origin], allowsOrigin?(origin) != true else { return nil }
        guard let host, Self.isOrigin(origin, of: host) else {
            return AccessPolicy.Rejection(
                code: .foreignOrigin,
                status: .forbidden,
                message: "pages of this origin may not send here"
            )
        }
        return nil
    }

    /// Whether an Origin field names pages of the host to which they send; the scheme may be that of a proxy on this machine.
    private static func isOrigin(_ origin: String, of host: String) -> Bool {
        let (origin, host) = (origin.lowercased(), host.lowercased())
        return origin == "http://" + host || origin == "https://" + host
    }

    /// Whether a Host field names this machine; one with another port than ours is taken under the name of the machine only, which is
    /// how it is reached through a tunnel.
    func isLocal(_ host: String) -> Bool {
        if host == usual || host == "localhost" { return true }
        var (name, port) = (host[...], nil as Int?)
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            guard let digits = Self.port(host[host.index(after: colon)...]) else { return false }
            (name, port) = (host[..<colon], digits)
        }
        if name.lowercased() == "localhost" { return true }
        if name.hasPrefix("[") {
            guard name == "[::1]" else { return false }
        } else {
            guard name != "::1", Endpoint(host: String(name), port: 0).isLoopback else { return false }
        }
        // A port that was chosen by the system is known to nobody beforehand.
        return port.map { $0 == self.port || self.port == 0 } ?? true
    }

    /// A port as it is written in an address: digits and nothing else.
    private static func port(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt16(text).map { Int($0) }
    }
}

/// Asks for keys.
package struct KeyRule: Sendable {
    let authenticator: any Authenticator
    /// Where wrong keys are counted.
    let counters: ComponentCounters
    let failures: KeyFailures

    package init(authenticator: any Authenticator, counters: ComponentCounters, failures: KeyFailures) {
        (self.authenticator, self.counters, self.failures) = (authenticator, counters, failures)
    }

    private static let keyField = HTTPField.Name("X-Hammurabi-Api-Key")

    /// What a request may do, or why it is not answered.
    enum Decision {
        case admitted(Permissions)
        case denied(AccessPolicy.Rejection)
    }

    func decision(_ request: HTTPRequest, for route: Route, from address: @autoclosure () -> String?) -> Decision {
        let access = route.access
        guard access != .open else { return .admitted([]) }
        let takesPassword = route.acceptsBasicAuthentication
        guard let key = Self.key(in: request.headerFields, orPassword: takesPassword) else {
            let password = takesPassword ? ", or as the password of basic authentication" : ""
            return .denied(
                AccessPolicy.Rejection(
                    code: .missingKey,
                    status: .unauthorized,
                    message: "a key is needed; send it as X-Hammurabi-Api-Key or as Authorization: Bearer\(password)",
                    fields: Self.challenge(withPassword: takesPassword)
                )
            )
        }
        guard let permissions = authenticator.permissions(of: key) else {
            counters.add(1, to: .refused)
            let delay = failures.note(address() ?? "", at: .now())
            return .denied(
                AccessPolicy.Rejection(
                    code: .unknownKey,
                    status: .unauthorized,
                    message: "the key is not known; hammurabi keys list shows those that are",
                    fields: Self.challenge(withPassword: takesPassword),
                    delay: delay
                )
            )
        }
        guard !permissions.allow(access) else { return .admitted(permissions) }
        return .denied(
            AccessPolicy.Rejection(
                code: .missingScope,
                status: .forbidden,
                message: "the key lacks the scope \(access.scope ?? "")"
            )
        )
    }

    /// Whether a request that was admitted still would be: its key may have been revoked, or have lost a scope, since.
    func stillAdmits(_ request: HTTPRequest, for route: Route) -> Bool {
        guard route.access != .open else { return true }
        guard let key = Self.key(in: request.headerFields, orPassword: route.acceptsBasicAuthentication) else {
            return false
        }
        return authenticator.permissions(of: key)?.allow(route.access) ?? false
    }

    /// What a client is asked for; only where its program sends passwords is it asked for one, because a browser then asks its user.
    private static func challenge(withPassword: Bool) -> HTTPFields {
        [.wwwAuthenticate: withPassword ? #"Basic realm="Telemetry Hub", charset="UTF-8""# : "Bearer"]
    }

    /// The key of a request; an empty one is none.
    private static func key(in fields: HTTPFields, orPassword takesPassword: Bool) -> String? {
        if let name = keyField, let key = fields[name], !key.isEmpty { return key }
        guard let text = fields[.authorization], let space = text.firstIndex(of: " ") else { return nil }
        let credentials = text[space...].drop { $0 == " " }
        switch text[..<space].lowercased() {
        case "bearer": return credentials.isEmpty ? nil : String(credentials)
        case "basic" where takesPassword: return password(in: credentials)
        default: return nil
        }
    }

    /// The password of basic credentials (RFC 7617 §2): what follows the first colon; nil for what is no such text, or none.
    private static func password(in credentials: Substring) -> String? {
        guard let bytes = Data(base64Encoded: String(credentials)), let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let password = String(decoding: bytes[bytes.index(after: colon)...], as: UTF8.self)
        return password.isEmpty ? nil : password
    }
}
