// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// What of the machine the host looks at; passed in, so that tests can have a machine of their own.
public struct Surroundings: Sendable {
    /// The environment variables.
    public var environment: [String: String]
    /// The name of this machine, nil when it has none.
    public var machineName: String?
    /// Reads a whole file of at most 1 MiB; what it throws is shown to the user.
    public var readFile: @Sendable (String) throws -> [UInt8]
    /// Whether a file exists.
    public var fileExists: @Sendable (String) -> Bool

    /// Creates surroundings.
    public init(
        environment: [String: String],
        machineName: String? = nil,
        readFile: @escaping @Sendable (String) throws -> [UInt8],
        fileExists: @escaping @Sendable (String) -> Bool
    ) {
        self.environment = environment
        self.machineName = machineName
        self.readFile = readFile
        self.fileExists = fileExists
    }

    /// This process and its files.
    public static var process: Surroundings {
        Surroundings(
            environment: ProcessInfo.processInfo.environment,
            machineName: nodeName,
            readFile: { path in try StartupFile(path: path).content() },
            fileExists: { FileManager.default.fileExists(atPath: $0) }
        )
    }

    /// What the system calls itself, without asking a name server.
    private static var nodeName: String? {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return nil }
        let name = bytes.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return name.isEmpty ? nil : name
    }

    /// The user's home directory.
    public var userHome: String? { environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } }

    /// The folder under which the program keeps its files.
    public var programHome: String {
        if let home = environment["HAMMURABI_HOME"], !home.isEmpty { return home }
        return (userHome ?? "") + "/.hammurabi"
    }
}
