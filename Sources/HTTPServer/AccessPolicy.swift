// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import FoundationEssentials
import HTTPTypes
import NIOCore
import Synchronization

/// Decides which requests a listener answers, from the head of a request alone and before its body is read.
package enum AccessPolicy: Sendable {
    /// Every request.
    case everybody
    /// Requests of programs on this machine, without keys; a web page in the user's browser is refused.
    case local(LocalRule)
    /// Requests with a key.
    case keys(KeyRule)
}

/// Refuses web pages at a listener that is open to all programs of this machine.
///
/// A page of another site can make a browser send anything to this machine; its Origin field shows that. When the page's own name
/// resolves to this machine, it can read the answers, too; the Host field then has that name (DNS rebinding).
package struct LocalRule: Sendable {
    let port: Int
    /// The usual value of the Host field.
    private let usual: String
    /// The longest part of a Host field that an answer repeats.
    private static let longestHost = 80

    package init(port: Int) {
        self.port = port
        usual = "127.0.0.1:\(port)"
    }

    func rejection(_ request: HTTPRequest, for route: Route?) -> RequestError? {
        let host = request.authority
        if let host, !isLocal(host) {
            let allowsHost = Self.isFromProgram(request) ? route?.allowsHost : nil
            if allowsHost?(host) == true { return nil }
            let addition = allowsHost == nil ? "" : ", or add the name to allowed_hosts of the otlp receiver"
            return RequestError(
                .misdirectedRequest,
                "the host \"\(host.prefix(Self.longestHost))\" is not accepted without keys, because a web page could use this name; send to 127.0.0.1:\(port) or localhost:\(port)\(addition), or name the extension api_keys under service.extensions, and a request with a key may use any host",
                code: .foreignHost
            )
        }
        guard let origin = request.headerFields[.origin], route?.allowsOrigin?(origin) != true else { return nil }
        guard let host, Self.isOrigin(origin, of: host) else {
            return RequestError(
                .forbidden,
                "pages of this origin may not send here",
                code: .foreignOrigin
            )
        }
        return nil
    }

    /// Whether a request cannot come from a web page: its type is one of OTLP, which no form has, and it lacks the fields of browsers.
    private static func isFromProgram(_ request: HTTPRequest) -> Bool {
        let type = request.headerFields[.contentType]?.prefix { $0 != ";" }.lowercased().filter {
            $0 != " " && $0 != "\t"
        }
        guard let type, telemetryTypes.contains(type) else { return false }
        return request.headerFields.allSatisfy { field in
            field.name != .origin && !field.name.canonicalName.hasPrefix("sec-fetch-")
        }
    }

    private static let telemetryTypes: Set<String> = ["application/x-protobuf", "application/json", "application/grpc"]

    /// Whether an Origin field names pages of the host to which they send; the scheme may be that of a proxy on this machine.
    private static func isOrigin(_ origin: String, of host: String) -> Bool {
        let (origin, host) = (origin.lowercased(), host.lowercased())
        return origin == "http://" + host || origin == "https://" + host
    }

    /// Whether a Host field names this machine.
    ///
    /// With another port than ours only the machine's own name is accepted; a tunnel sends such a field.
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
        // A port that the system chooses is not known in advance.
        return port.map { $0 == self.port || self.port == 0 } ?? true
    }

    /// A port in an address: only digits.
    private static func port(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt16(text).map { Int($0) }
    }
}

/// Requires keys.
package struct KeyRule: Sendable {
    let authenticator: any Authenticator
    /// Counts wrong keys.
    let counters: ComponentCounters
    let failures: KeyFailures

    package init(authenticator: any Authenticator, counters: ComponentCounters, failures: KeyFailures) {
        (self.authenticator, self.counters, self.failures) = (authenticator, counters, failures)
    }

    private static let keyField = HTTPField.Name("X-Hammurabi-Api-Key")

    /// The permissions of a request, or why it is refused.
    enum Decision {
        case admitted(Permissions)
        case denied(RequestError)
    }

    func decision(_ request: HTTPRequest, for route: Route, from address: @autoclosure () -> String?) -> Decision {
        let access = route.access
        guard access != .open else { return .admitted([]) }
        let takesPassword = route.acceptsBasicAuthentication
        guard let key = Self.key(in: request.headerFields, orPassword: takesPassword) else {
            let password = takesPassword ? ", or as the password of basic authentication" : ""
            return .denied(
                RequestError(
                    .unauthorized,
                    "a key is needed; send it as X-Hammurabi-Api-Key or as Authorization: Bearer\(password)",
                    Self.challenge(withPassword: takesPassword),
                    code: .missingKey
                )
            )
        }
        guard let permissions = authenticator.permissions(of: key) else {
            counters.add(1, to: .refused)
            let delay = failures.note(address() ?? "", at: .now())
            return .denied(
                RequestError(
                    .unauthorized,
                    "the key is not known; hammurabi keys list shows those that are",
                    Self.challenge(withPassword: takesPassword),
                    code: .unknownKey,
                    delay: delay
                )
            )
        }
        guard !permissions.allow(access) else { return .admitted(permissions) }
        return .denied(
            RequestError(
                .forbidden,
                "the key lacks the scope \(access.scope ?? "")",
                code: .missingScope
            )
        )
    }

    /// The name of the key that a request shows; nil where it has none.
    func keyName(of request: HTTPRequest, for route: Route) -> String? {
        Self.key(in: request.headerFields, orPassword: route.acceptsBasicAuthentication)
            .flatMap { authenticator.name(of: $0) }
    }

    /// Whether an accepted request would still be accepted: its key may have been revoked, or have lost a scope.
    func stillAdmits(_ request: HTTPRequest, for route: Route) -> Bool {
        guard route.access != .open else { return true }
        guard let key = Self.key(in: request.headerFields, orPassword: route.acceptsBasicAuthentication) else {
            return false
        }
        return authenticator.permissions(of: key)?.allow(route.access) ?? false
    }

    /// The `WWW-Authenticate` field.
    ///
    /// It offers basic authentication only where programs send passwords, because browsers then ask their user.
    private static func challenge(withPassword: Bool) -> HTTPFields {
        [.wwwAuthenticate: withPassword ? #"Basic realm="Telemetry Hub", charset="UTF-8""# : "Bearer"]
    }

    /// The key of a request; an empty one counts as missing.
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

    /// The password of basic credentials (RFC 7617 §2): the text after the first colon; nil for invalid credentials or no password.
    private static func password(in credentials: Substring) -> String? {
        guard let bytes = Data(base64Encoded: String(credentials)), let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let password = String(decoding: bytes[bytes.index(after: colon)...], as: UTF8.self)
        return password.isEmpty ? nil : password
    }
}

/// Counts wrong keys by address: after several of them each further answer is delayed, so that a client cannot try many.
///
/// A valid key is never delayed, so that one client cannot block others behind the same address.
package final class KeyFailures: Sendable {
    private struct Record {
        var count: Int
        var last: NIODeadline
    }

    private let records = Mutex<[String: Record]>([:])

    package init() {}

    private static let most = 4_096
    private static let harmless = 5
    private static let longestDelay = TimeAmount.seconds(4)
    /// After this time without a wrong key an address is forgotten.
    private static let memory = TimeAmount.minutes(10)

    /// Records a wrong key; returns the delay of the answer.
    func note(_ address: String, at now: NIODeadline) -> TimeAmount {
        let address = Self.network(address)
        let count = records.withLock { records in
            if records.count >= Self.most, records[address] == nil { Self.makeRoom(in: &records, now) }
            var record = records[address] ?? Record(count: 0, last: now)
            if now - record.last > Self.memory { record.count = 0 }
            record.count += 1
            record.last = now
            records[address] = record
            return record.count
        }
        guard count > Self.harmless else { return .zero }
        let doublings = min(10, count - Self.harmless - 1)
        return min(Self.longestDelay, TimeAmount.milliseconds(250 << Int64(doublings)))
    }

    /// How many addresses are remembered.
    var count: Int { records.withLock(\.count) }

    /// Removes old records, or the oldest half.
    private static func makeRoom(in records: inout [String: Record], _ now: NIODeadline) {
        records = records.filter { now - $0.value.last <= memory }
        guard records.count >= most else { return }
        let newest = records.sorted { $0.value.last > $1.value.last }.prefix(most / 2)
        records = Dictionary(uniqueKeysWithValues: newest.map { ($0.key, $0.value) })
    }

    /// For IPv6 the network of 64 bits, because one client has all addresses of it.
    private static func network(_ address: String) -> String {
        guard address.contains(":"), !address.contains(".") else { return address }
        return address.split(separator: ":", omittingEmptySubsequences: false).prefix(4).joined(separator: ":")
    }
}
