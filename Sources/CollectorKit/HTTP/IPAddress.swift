// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An IPv4 or IPv6 address, whatever the form in which it was written.
///
/// An IPv4 address in the form of IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.
package struct IPAddress: Hashable, Sendable {
    /// 4 or 16 bytes, the most significant one first.
    package let bytes: [UInt8]

    /// Parses an address without brackets and port; nil for a name and for anything else.
    package init?(_ text: some StringProtocol) {
        // The zone of a link-local address (RFC 4007) is not part of the number.
        let text = String(text.prefix { $0 != "%" })
        var four = [UInt8](repeating: 0, count: 4)
        var sixteen = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = four
        } else if inet_pton(AF_INET6, text, &sixteen) == 1 {
            let isMapped = sixteen.prefix(10).allSatisfy { $0 == 0 } && sixteen[10] == 0xFF && sixteen[11] == 0xFF
            bytes = isMapped ? Array(sixteen[12...]) : sixteen
        } else {
            return nil
        }
    }

    /// Whether the address is in a network, such as `10.0.0.0/8` or `fd00::/8`; a text that is no network has no addresses.
    package func isIn(network text: some StringProtocol) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let network = IPAddress(parts[0]), let length = Int(parts[1]),
            network.bytes.count == bytes.count, (0...bytes.count * 8).contains(length)
        else { return false }
        let whole = length / 8
        guard bytes.prefix(whole) == network.bytes.prefix(whole) else { return false }
        let rest = length % 8
        return rest == 0 || bytes[whole] >> (8 - rest) == network.bytes[whole] >> (8 - rest)
    }

    /// The addresses of this machine's interfaces, in numbers; none where the system does not say.
    package static var ofThisMachine: Set<IPAddress> {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var found: Set<IPAddress> = []
        var next = first
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let address = entry.pointee.ifa_addr else { continue }
            let isFour = Int32(address.pointee.sa_family) == AF_INET
            guard isFour || Int32(address.pointee.sa_family) == AF_INET6 else { continue }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = isFour ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            guard
                getnameinfo(address, socklen_t(length), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            else { continue }
            let written = text.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if let address = IPAddress(written) { found.insert(address) }
        }
        return found
    }
}
