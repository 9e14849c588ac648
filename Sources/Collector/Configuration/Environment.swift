// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// The parts of the machine that the host reads.
///
/// It is a parameter, so that tests can supply their own machine.
public struct Environment: Sendable {
    /// The environment variables.
    public var variables: [String: String]
    /// The name of this machine, nil when it has none.
    public var machineName: String?
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
        Environment(
            variables: ProcessInfo.processInfo.environment,
            machineName: nodeName,
            readFile: { path in try StartupFile(path: path).content() },
            fileExists: { FileManager.default.fileExists(atPath: $0) }
        )
    }

    /// The machine's name as the system reports it, without a DNS request.
    private static var nodeName: String? {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return nil }
        let name = bytes.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return name.isEmpty ? nil : name
    }

    /// The user's home directory.
    public var userHome: String? { variables["HOME"].flatMap { $0.isEmpty ? nil : $0 } }

    /// The folder under which the program keeps its files.
    public var programHome: String {
        if let home = variables["HAMMURABI_HOME"], !home.isEmpty { return home }
        return (userHome ?? "") + "/.hammurabi"
    }
}
