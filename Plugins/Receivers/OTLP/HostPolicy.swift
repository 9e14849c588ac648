// SPDX-License-Identifier: Apache-2.0

/// The host names, in addition to loopback names, under which programs may send without a key.
struct HostPolicy {
    /// In lower case; a leading `*.` matches any subdomain.
    private let names: [String]

    /// The names under which containers reach their host, and the names of the loopback address in usual hosts files.
    private static let usual = [
        "host.docker.internal", "gateway.docker.internal", "host.containers.internal", "localhost", "*.localhost",
        "localhost.localdomain", "ip6-localhost", "ip6-loopback",
    ]

    init(_ allowed: [String]) { names = Self.usual + allowed.map { $0.lowercased() } }

    /// Whether a Host field has one of the names; its port is ignored, because containers may see another one.
    func allows(_ host: String) -> Bool {
        var name = host.lowercased()[...]
        if let colon = name.lastIndex(of: ":") {
            let port = name[name.index(after: colon)...]
            guard !port.isEmpty, port.utf8.allSatisfy({ (48...57).contains($0) }) else { return false }
            name = name[..<colon]
        }
        if name.hasSuffix(".") { name = name.dropLast() }
        return names.contains { Self.matches(name, $0) }
    }

    private static func matches(_ name: Substring, _ pattern: String) -> Bool {
        guard pattern.hasPrefix("*.") else { return name == pattern }
        return name.count > pattern.count - 1 && name.hasSuffix(pattern.dropFirst())
    }

    /// What is wrong with a configured name; nil when it is valid.
    static func fault(in name: String) -> String? {
        let bare = name.hasPrefix("*.") ? String(name.dropFirst(2)) : name
        let isName =
            !bare.isEmpty
            && bare.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        return isName ? nil : "\"\(name)\" is no name of a machine"
    }
}
