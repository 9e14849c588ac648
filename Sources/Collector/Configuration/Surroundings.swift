// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What of the machine the host looks at; passed in, so that tests can have a machine of their own.
public struct Surroundings: Sendable {
    /// The environment variables.
    public var environment: [String: String]
    /// Reads a whole file of at most 1 MiB; what it throws is shown to the user.
    public var readFile: @Sendable (String) throws -> [UInt8]
    /// Whether a file exists.
    public var fileExists: @Sendable (String) -> Bool

    /// Creates surroundings.
    public init(
        environment: [String: String],
        readFile: @escaping @Sendable (String) throws -> [UInt8],
        fileExists: @escaping @Sendable (String) -> Bool
    ) {
        self.environment = environment
        self.readFile = readFile
        self.fileExists = fileExists
    }

    /// This process and its files.
    public static var process: Surroundings {
        Surroundings(
            environment: ProcessInfo.processInfo.environment,
            readFile: { path in try StartupFile(path: path).content() },
            fileExists: { FileManager.default.fileExists(atPath: $0) }
        )
    }

    /// The user's home directory.
    public var userHome: String? { environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } }

    /// The folder under which the program keeps its files.
    public var programHome: String {
        if let home = environment["HAMMURABI_HOME"], !home.isEmpty { return home }
        return (userHome ?? "") + "/.hammurabi"
    }
}
