// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import FoundationEssentials

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The parts of the machine that the host reads.
///
/// It is a parameter, so that tests can supply their own machine.
public struct Environment: Sendable {
    /// The environment variables.
    public var variables: [String: String]
    /// The name of this machine, nil when it has none.
    public var machineName: String?
    /// The addresses of this machine's interfaces.
    package var addresses: @Sendable () -> Set<IPAddress> = { [] }
    /// Reads a whole file of at most 1 MiB; the user sees the error that it throws.
    public var readFile: @Sendable (String) throws -> [UInt8]
    /// Whether a file exists.
    public var fileExists: @Sendable (String) -> Bool

    /// Creates an environment.
    public init(
        variables: [String: String],
        machineName: String? = nil,
        readFile: @escaping @Sendable (String) throws -> [UInt8],
        fileExists: @escaping @Sendable (String) -> Bool
    ) {
        self.variables = variables
        self.machineName = machineName
        self.readFile = readFile
        self.fileExists = fileExists
    }

    /// The environment of this process.
    public static var process: Environment {
        var environment = Environment(
            variables: ProcessInfo.processInfo.environment,
            machineName: nodeName,
            readFile: { path in try StartupFile(path: path).content() },
            fileExists: { FileManager.default.fileExists(atPath: $0) }
        )
        environment.addresses = { IPAddress.ofThisMachine }
        return environment
    }

    /// The machine's name as the system reports it, without a DNS request.
    private static var nodeName: String? {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return nil }
        let name = bytes.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return name.isEmpty ? nil : name
    }

    /// How other programs reach this machine.
    public var whereabouts: Whereabouts { Whereabouts(name: machineName, addresses: addresses()) }

    /// The user's home directory.
    public var userHome: String? { variables["HOME"].flatMap { $0.isEmpty ? nil : $0 } }

    /// The folder under which the program keeps its files.
    public var programHome: String {
        if let home = variables["HAMMURABI_HOME"], !home.isEmpty { return home }
        return (userHome ?? "") + "/.hammurabi"
    }
}

/// The name and the addresses under which a machine is reached, so that an exporter to the machine itself is recognised.
public struct Whereabouts: Sendable {
    private let name: String?
    private let addresses: Set<IPAddress>

    /// A machine of which nothing is known but its loopback addresses.
    public static let unknown = Whereabouts(name: nil, addresses: [])

    package init(name: String?, addresses: Set<IPAddress>) {
        (self.name, self.addresses) = (name.map(Self.canonical), addresses)
    }

    private static func canonical(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }

    /// Whether a connection to an address reaches a listener of this machine, as far as the addresses show.
    func reaches(_ listener: Endpoint, at address: Endpoint) -> Bool {
        guard listener.port == address.port, listener.port != 0 else { return false }
        let (host, own) = (Self.canonical(address.host), Self.canonical(listener.host))
        if host == own { return true }
        let (number, ownNumber) = (IPAddress(host), IPAddress(own))
        if number != nil, number == ownNumber { return true }
        let isEverywhere = ["0.0.0.0", "::"].contains(own)
        if address.isLoopback || ["0.0.0.0", "::"].contains(host) {
            return isEverywhere || (own == "localhost" || host == "localhost") && listener.isLoopback
        }
        guard host == name || number.map(addresses.contains) == true else { return false }
        // Of two numbers each is a listener of its own; the name of a machine means all of its numbers.
        let isNamed = host == name || own == name
        return isEverywhere
            || isNamed && (own == name || ownNumber.map(addresses.contains) == true)
                && !listener.isLoopback
    }
}
