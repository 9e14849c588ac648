// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a user writes under `sqlite:`.
public struct SQLiteConfig: ComponentConfig {
    /// The database file; nil for `telemetry.db` among the program's files.
    public var path: ConfigPath?
    /// What is kept beside calls and sessions.
    public var records = Records.all
    /// When a batch counts as kept.
    public var sync = Sync.always

    /// The defaults.
    public init() {}

    /// What each key means.
    public static let documentation = [
        "path": "the database file, by default telemetry.db in $HAMMURABI_HOME; its folder is made if it is missing",
        "records": "all: keep every record; usage: keep calls and sessions only",
        "sync": "always: a batch is on disk before it is acknowledged",
    ]

    /// What is kept.
    public enum Records: String, Codable, Sendable, CaseIterable {
        /// Every record.
        case all
        /// Calls and sessions only.
        case usage
    }

    /// When a batch counts as kept.
    public enum Sync: String, Codable, Sendable, CaseIterable {
        /// When it is on disk.
        case always
    }

    /// Refuses an empty path.
    public func validate(_ findings: inout ConfigFindings) {
        if path?.isEmpty == true { findings.error("empty-value", "the database needs a path", at: ["path"]) }
    }

    /// The file.
    public var resources: [ConfigResource] { [ConfigResource(.file(path(home: "$HAMMURABI_HOME")), at: ["path"])] }

    /// The file, for a program whose files lie in `home`.
    public func path(home: String) -> String { path?.path ?? "\(home)/telemetry.db" }
}
