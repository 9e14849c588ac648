// SPDX-License-Identifier: Apache-2.0

import Usage

/// The collector that agents send to, and the machine attributes that they send.
public struct Destination: Sendable, Hashable {
    /// The address of a collector, without a signal's path.
    public let endpoint: EndpointURL
    /// The key that the collector requires; nil when it requires none.
    public let key: String?
    /// The machine's name, nil when it has none.
    public let hostName: String?
    /// A number that identifies the machine; nil when it has none.
    public let machineID: String?
    /// The command that draws the status line of agents that have one; nil to leave their status lines alone.
    public let statusLine: String?

    /// Creates a destination.
    ///
    /// - Parameter machineID: The system's id of the machine; only a hash of it is used.
    public init(
        endpoint: EndpointURL,
        key: String? = nil,
        hostName: String? = nil,
        machineID: String? = nil,
        statusLine: String? = nil
    ) {
        self.endpoint = endpoint
        self.statusLine = statusLine
        self.key = key
        self.hostName = hostName
        self.machineID = machineID.map { id in
            var hash = StableHash(domain: "onboarding.machine")
            hash.combine(id)
            let digits = String(hash.value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
    }

    /// The resource attributes of all agents.
    var resourceAttributes: [(name: String, value: String)] {
        [("host.name", hostName), ("machine.id", machineID)].compactMap { name, value in
            value.map { (name, PercentText.encoded($0)) }
        }
    }

    /// The header value with the key.
    var authorization: String? { key.map { "Bearer " + $0 } }
}

/// The address of a collector: scheme, host, port and an optional path prefix.
public struct EndpointURL: Sendable, Hashable, CustomStringConvertible {
    /// `http` or `https`.
    public let scheme: String
    /// A name or an address; an IPv6 address without its brackets.
    public let host: String
    /// The port.
    public let port: Int
    /// The path before `/v1/logs`; empty, or with a slash at its start and none at its end.
    public let path: String

    /// Parses `http://host:port/path`; nil for anything else, and for addresses with a user, a query or a fragment.
    public init?(_ text: String) {
        guard let mark = text.firstRange(of: "://") else { return nil }
        scheme = text[..<mark.lowerBound].lowercased()
        guard ["http", "https"].contains(scheme) else { return nil }
        var rest = text[mark.upperBound...]
        guard rest.utf8.allSatisfy({ $0 > 32 && $0 < 127 && !"?#@\"'\\`$,;<>{}|^".utf8.contains($0) }) else {
            return nil
        }
        var path = ""
        if let slash = rest.firstIndex(of: "/") {
            path = String(rest[slash...])
            rest = rest[..<slash]
        }
        while path.hasSuffix("/") { path.removeLast() }
        self.path = path
        guard let (host, digits) = Self.split(rest), !host.isEmpty else { return nil }
        guard let digits else {
            self.host = host
            port = scheme == "https" ? 443 : 80
            return
        }
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits), port > 0 else {
            return nil
        }
        self.host = host
        self.port = Int(port)
    }

    /// The address of a port on this machine.
    public init(loopbackPort: Int) {
        (scheme, host, port, path) = ("http", "127.0.0.1", loopbackPort, "")
    }

    private static func split(_ authority: Substring) -> (host: String, port: Substring?)? {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            let host = authority[authority.index(after: authority.startIndex)..<end].lowercased()
            return (host, rest.isEmpty ? nil : rest.dropFirst())
        }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { return nil }
        return (parts[0].lowercased(), parts.count == 2 ? parts[1] : nil)
    }

    /// The address as written in settings.
    public var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(scheme)://\(name):\(port)\(path)"
    }

    /// The address of one signal: `logs`, `metrics` or `traces`.
    public func url(of signal: String) -> String { "\(self)/v1/\(signal)" }

    /// Whether a text is this address; `localhost` equals 127.0.0.1, and a slash at the end is ignored.
    func isNamed(by text: String, path suffix: String = "") -> Bool {
        guard let other = EndpointURL(text) else { return false }
        func place(_ host: String) -> String { host == "localhost" ? "127.0.0.1" : host }
        return scheme == other.scheme && place(host) == place(other.host) && port == other.port
            && path + suffix == other.path
    }
}
