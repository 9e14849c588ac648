// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What of the machine the host looks at; passed in, so that tests can have a machine of their own.
public struct Surroundings: Sendable {
    /// The environment variables.
    public var environment: [String: String]
    /// Reads a whole file; what it throws is shown to the user.
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
            readFile: { path in
                do {
                    return [UInt8](try Data(contentsOf: URL(filePath: path)))
                } catch let error as CocoaError where error.code == .fileReadNoPermission {
                    throw StartupFile.unreadable("it may not be read")
                } catch {
                    var isFolder = false
                    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
                    throw StartupFile.unreadable(
                        isFolder ? "it is a folder" : exists ? "it cannot be read" : "there is no such file"
                    )
                }
            },
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

/// A file that is needed and cannot be read.
enum StartupFile: Error, CustomStringConvertible {
    case unreadable(String)

    var description: String {
        switch self {
        case .unreadable(let reason): reason
        }
    }
}
