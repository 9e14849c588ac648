// SPDX-License-Identifier: Apache-2.0

import OTLP

/// A parsed `http` or `https` address.
struct WebAddress: Hashable {
    let scheme: String
    /// The host name or address, without brackets.
    let host: String
    let port: Int
    /// Path and query, beginning with a slash or empty.
    let path: String

    /// Parses an address; nil for anything else and for one with a user and password.
    init?(_ text: String) {
        guard let colon = text.range(of: "://") else { return nil }
        scheme = text[..<colon.lowerBound].lowercased()
        guard ["http", "https"].contains(scheme) else { return nil }
        let rest = text[colon.upperBound...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<end]
        let tail = rest[end...].prefix { $0 != "#" }
        path = tail.isEmpty || tail.hasPrefix("/") ? String(tail) : "/" + tail
        guard !authority.contains("@"), !text.contains(where: \.isWhitespace) else { return nil }
        var name = authority
        var number = scheme == "https" ? 443 : 80
        if let last = authority.lastIndex(of: ":"), !authority[last...].contains("]") {
            guard let written = UInt16(authority[authority.index(after: last)...]) else { return nil }
            number = Int(written)
            name = authority[..<last]
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        guard !name.isEmpty else { return nil }
        host = name.lowercased()
        port = number
    }

    /// The address of a signal under this base address: `/v1/traces` and the like is appended to the path, before a query.
    ///
    /// A base that already ends with a signal's path, the most frequent mistake (open-telemetry/opentelemetry.io#2406), is used without it.
    func base(of signal: Signal) -> WebAddress? {
        let mark = path.firstIndex(of: "?") ?? path.endIndex
        var base = path[..<mark]
        while base.hasSuffix("/") { base = base.dropLast() }
        if let ending = signalEnding { base = base.dropLast(ending.count) }
        while base.hasSuffix("/") { base = base.dropLast() }
        return WebAddress("\(scheme)://\(authority)\(base)/v1/\(signal)\(path[mark...])")
    }

    /// The path of a signal at the end of this address, such as `/v1/traces`; nil when there is none.
    var signalEnding: String? {
        var plain = path.prefix { $0 != "?" }
        while plain.hasSuffix("/") { plain = plain.dropLast() }
        return Signal.allCases.map { "/v1/\($0)" }.first { plain.hasSuffix($0) }
    }

    /// The address as text.
    var text: String { "\(scheme)://\(authority)\(path)" }

    /// Host and port, which may be shown; a path or query may hold a secret.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// What is wrong with an address, and what to write instead; nil when it is valid.
    static func fault(in text: String) -> (message: String, help: String?)? {
        if WebAddress(text) != nil { return nil }
        guard text.contains("://") else {
            return ("the address has no http:// or https:// in front", "write http://\(text)")
        }
        let authority = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).first ?? ""
        if authority.contains("@") {
            return ("a name and password do not belong into an address", "write headers: { Authorization: ... }")
        }
        return ("this is no http:// or https:// address", "write http://127.0.0.1:4318, for example")
    }
}

extension StringProtocol {
    /// The range of a text in this one.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
