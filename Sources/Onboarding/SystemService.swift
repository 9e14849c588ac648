// SPDX-License-Identifier: Apache-2.0

/// The collector as a service of the whole machine, under a system user of its own.
///
/// The unit is that of the Debian package, with the path of another program. A value; safe to use from many tasks at once.
public struct SystemService: Sendable {
    /// The name of the service.
    public static let name = ServiceUnit.name
    /// The system user and group of the service.
    public static let user = "hammurabi"
    /// The program that the unit of the package runs.
    public static let packagedProgram = "/usr/bin/hammurabi"

    /// The path of the program.
    public let program: String
    /// The folder below which everything is written; empty for the machine itself.
    public let root: String
    private let packagedUnit: String
    private let defaultConfig: String

    /// Creates a service.
    ///
    /// - Parameters:
    ///   - unit: The text of the package's unit.
    ///   - config: The configuration that is written where there is none.
    ///   - program: The path of the program under which it will run.
    ///   - root: A folder that will be another machine's root, such as that of an image; empty for this machine.
    public init(unit: String, config: String, program: String, root: String = "") {
        (packagedUnit, defaultConfig, self.program) = (unit, config, program)
        self.root = root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    /// The path of the unit, below the root; the administrator's folder, which the package leaves alone.
    public var unitPath: String { root + "/etc/systemd/system/" + Self.name }
    /// The path of the configuration.
    public var configPath: String { root + "/etc/hammurabi/config.yaml" }
    /// The path of the file by which systemd creates the user.
    public var usersPath: String { root + "/etc/sysusers.d/hammurabi.conf" }
    /// The folder of the log of changes: not the service's own, because the service may write there.
    public var journalHome: String { root + "/var/backups/hammurabi" }

    /// The text of the unit.
    public var unit: String {
        packagedUnit.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let start = "ExecStart=" + Self.packagedProgram + " "
            guard program != Self.packagedProgram, line.hasPrefix(start) else { return String(line) }
            return "ExecStart=" + ServiceUnit.quoted(program, isCommand: true) + " " + line.dropFirst(start.count)
        }.joined(separator: "\n")
    }

    private var users: String {
        """
        # The user of \(Self.name).
        u \(Self.user) - "Telemetry Hub" /var/lib/hammurabi /usr/sbin/nologin

        """
    }

    /// Whether the package has installed its unit.
    public func isPackaged(in files: LocalFiles) -> Bool {
        ["/usr/lib", "/lib"].contains { files.status(root + $0 + "/systemd/system/" + Self.name)?.isFile == true }
    }

    /// Why the unit cannot run the program; nil when it can.
    public var fault: String? {
        guard program.hasPrefix("/"), program.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) else {
            return "\(program): a service needs the absolute path of a program on one line"
        }
        // The unit hides these folders from the service.
        guard let hidden = ["/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"].first(where: program.hasPrefix)
        else {
            return nil
        }
        return "the service cannot see \(hidden.dropLast()), where \(program) is; "
            + "install -m 0755 \(program) /usr/local/bin/hammurabi, and run that one"
    }

    /// The files that the installation writes: unit and user, and the configuration if there is none.
    public func changes(in files: LocalFiles) throws(SettingsError) -> [FileChange] {
        let config = try SettingsFile.read(configPath, in: files)
        var changes: [FileChange] = []
        if config.content == nil {
            changes.append(
                FileChange(
                    try SettingsFile.open(configPath, in: files),
                    content: Array(defaultConfig.utf8),
                    holdsKey: false,
                    newMode: 0o640
                )
            )
        }
        let texts = [(usersPath, users), (unitPath, unit)]
        for (path, text) in texts {
            changes.append(
                FileChange(try SettingsFile.open(path, in: files), content: Array(text.utf8), holdsKey: false)
            )
        }
        return changes.filter { $0.file.content != $0.content }
    }
}
