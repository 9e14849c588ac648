// SPDX-License-Identifier: Apache-2.0

/// The user whose settings are changed: the folders that the environment names.
public struct Account: Sendable {
    /// The environment variables.
    public let environment: [String: String]
    /// The user's home directory.
    public let home: String
    /// The folder of the administrator's settings.
    public let systemFolder: String

    /// Creates an account; nil when the environment names no home.
    public init?(environment: [String: String], systemFolder: String = "/etc") {
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        self.environment = environment
        self.home = Self.trimmed(home)
        self.systemFolder = systemFolder
    }

    /// The folder that a variable names, else one below the home directory.
    func folder(_ variable: String, or path: String) -> String {
        if let named = environment[variable], !named.isEmpty { return Self.trimmed(named) }
        return home + "/" + path
    }

    /// The folder of programs' settings.
    public var configFolder: String { folder("XDG_CONFIG_HOME", or: ".config") }

    /// The folder of programs' data.
    var dataFolder: String { folder("XDG_DATA_HOME", or: ".local/share") }

    /// The folder of this program's files.
    public var programHome: String { folder("HAMMURABI_HOME", or: ".hammurabi") }

    /// A path as shown to the user, with `~` for the home directory.
    public func shown(_ path: String) -> String {
        path.hasPrefix(home + "/") ? "~" + path.dropFirst(home.count) : path
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
