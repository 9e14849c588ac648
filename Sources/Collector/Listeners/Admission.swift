// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore

/// Who may ask at a listener; decided by the head of a request alone, before anything of its body is read.
enum Admission: Sendable {
    /// Whoever reaches it.
    case everybody
    /// Programs of this machine: no keys are asked for, but a web page in the user's browser is kept out.
    case local(LocalRule)
    /// Whoever shows a key.
    case keys(KeyRule)

    /// Why a request is not answered.
    struct Denial {
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
struct LocalRule: Sendable {
    let port: Int
    /// What almost every Host field says.
    private let usual: String

    init(port: Int) {
        self.port = port
        usual = "127.0.0.1:\(port)"
    }

    func denial(_ request: HTTPRequest, allowsOrigin: (@Sendable (String) -> Bool)?) -> Admission.Denial? {
        let host = request.authority
        if let host, !isLocal(host) {
            return Admission.Denial(
                status: .misdirectedRequest,
                message: "only requests to localhost or 127.0.0.1 are answered here without keys"
            )
        }
        guard let origin = request.headerFields[.origin], allowsOrigin?(origin) != true else { return nil }
        guard let host, let mark = origin.firstRange(of: "://"),
            origin[mark.upperBound...].lowercased() == host.lowercased()
        else {
            return Admission.Denial(status: .forbidden, message: "pages of this origin may not send here")
        }
        return nil
    }

    /// Whether a Host field names this machine; one with another port than ours is taken under the name of the machine only, which is
    /// how it is reached through a tunnel.
    func isLocal(_ host: String) -> Bool {
        if host == usual || host == "localhost" { return true }
        var name = host[...]
        var port: Substring?
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            name = host[..<colon]
            port = host[host.index(after: colon)...]
        }
        if name.lowercased() == "localhost" { return port.map { UInt16($0) != nil } ?? true }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        guard Endpoint(host: String(name), port: 0).isLoopback else { return false }
        // A port that was chosen by the system is known to nobody beforehand.
        return port.map { Int($0) == self.port || self.port == 0 } ?? true
    }
}

/// Asks for keys.
struct KeyRule: Sendable {
    let authenticator: any Authenticator
    /// Where wrong keys are counted.
    let counters: ComponentCounters
    let failures: KeyFailures

    private static let keyField = HTTPField.Name("X-Hammurabi-Api-Key")

    func denial(_ request: HTTPRequest, for access: Access, from address: @autoclosure () -> String?) -> Admission
        .Denial?
    {
        guard access != .open else { return nil }
        guard let key = Self.key(in: request.headerFields) else {
            return Admission.Denial(
                status: .unauthorized,
                message: "a key is needed; send it as X-Hammurabi-Api-Key or as Authorization: Bearer",
                fields: Self.challenge
            )
        }
        guard let permissions = authenticator.permissions(of: key) else {
            counters.add(1, to: .refused)
            let delay = failures.note(address() ?? "", at: .now())
            return Admission.Denial(
                status: .unauthorized,
                message: "the key is not known; hammurabi keys list shows those that are",
                fields: Self.challenge,
                delay: delay
            )
        }
        guard !permissions.allow(access) else { return nil }
        return Admission.Denial(status: .forbidden, message: "the key lacks the scope \(access.scope ?? "")")
    }

    private static let challenge: HTTPFields = [.wwwAuthenticate: "Bearer"]

    /// The key of a request; an empty one is none.
    private static func key(in fields: HTTPFields) -> String? {
        if let name = keyField, let key = fields[name], !key.isEmpty { return key }
        guard let text = fields[.authorization], let space = text.firstIndex(of: " "),
            text[..<space].lowercased() == "bearer"
        else { return nil }
        let key = text[space...].drop { $0 == " " }
        return key.isEmpty ? nil : String(key)
    }
}
