// SPDX-License-Identifier: Apache-2.0

/// The collector as a systemd service of the user.
public struct ServiceUnit: Sendable {
    /// The name of the service.
    public static let name = "hammurabi.service"

    /// The path of the program.
    public let program: String
    /// The path of its configuration.
    public let config: String
    /// The folder of its files.
    public let home: String

    /// Creates a unit; nil when a path cannot be written in a unit file.
    public init?(program: String, config: String, home: String) {
        let paths = [program, config, home]
        guard
            paths.allSatisfy({ $0.hasPrefix("/") && $0.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } }
            )
        else { return nil }
        self.program = program
        self.config = config
        self.home = home
    }

    /// The path of the unit file.
    public static func path(of account: Account) -> String { account.configFolder + "/systemd/user/" + name }

    /// The text of the unit.
    public var text: String {
        """
        [Unit]
        Description=Telemetry Hub: the telemetry of AI coding agents

        [Service]
        Type=notify
        ExecStart=\(Self.quoted(program, isCommand: true)) run --config \(Self.quoted(config, isCommand: true))
        ExecReload=/bin/kill -HUP $MAINPID
        Environment=\(Self.quoted("HAMMURABI_HOME=" + home))
        Restart=on-failure
        RestartSec=2
        RestartPreventExitStatus=64 77 78
        TimeoutStopSec=60
        UMask=0077
        NoNewPrivileges=yes

        [Install]
        WantedBy=default.target

        """
    }

    /// A text quoted for systemd, with its special characters doubled; only commands expand variables.
    static func quoted(_ text: String, isCommand: Bool = false) -> String {
        var inner = ""
        for sign in text {
            switch sign {
            case "\"", "\\": inner += "\\\(sign)"
            case "%": inner += "%%"
            case "$" where isCommand: inner += "$$"
            default: inner.append(sign)
            }
        }
        return "\"\(inner)\""
    }

    /// The files that the installation writes: the unit, and the configuration if there is none.
    public func changes(
        account: Account,
        defaultConfig: String,
        in files: LocalFiles
    ) throws(SettingsError) -> [FileChange] {
        let unit = try SettingsFile.open(Self.path(of: account), in: files)
        let config = try SettingsFile.read(config, in: files)
        var changes: [FileChange] = []
        if config.content == nil {
            changes.append(FileChange(config, content: Array(defaultConfig.utf8), holdsKey: false, newMode: 0o600))
        }
        changes.append(FileChange(unit, content: Array(text.utf8), holdsKey: false))
        return changes.filter { $0.file.content != $0.content }
    }
}
