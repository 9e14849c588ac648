// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a user writes under `jsonl:`.
public struct JSONLConfig: ComponentConfig {
    /// The file that lines are appended to.
    public var path: ConfigPath?
    /// What is kept beside calls and sessions.
    public var records = Records.all
    /// When a batch counts as kept.
    public var sync = Sync.always
    /// When a new file is begun.
    public var rotation = Rotation()

    /// The defaults.
    public init() {}

    /// What each key means.
    public static let documentation = [
        "path": "the file, by default telemetry.jsonl in $HAMMURABI_HOME; its folder is made if it is missing",
        "records": "all: keep every record; usage: keep calls and sessions only",
        "sync":
            "always: a batch is on disk before it is acknowledged; interval: within a second after it; never: when the system likes",
        "rotation": "when a new file is begun; all files together are the store",
        "rotation.max_megabytes": "the size at which the file is set aside as NAME-<UTC milliseconds>.jsonl; 0: never",
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
        /// When it is handed to the system, which is told to write it to the disk within a second.
        case interval
        /// When it is handed to the system.
        case never
    }

    /// When a new file is begun.
    public struct Rotation: Codable, Sendable {
        /// The size in units of 1,000,000 bytes; 0 for never.
        public var maxMegabytes = 0

        /// The defaults.
        public init() {}

        private enum CodingKeys: String, CodingKey {
            case maxMegabytes = "max_megabytes"
        }
    }

    /// Refuses an empty path and sizes that cannot be.
    public func validate(_ findings: inout ConfigFindings) {
        if path?.isEmpty == true { findings.error("empty-value", "the store needs a path", at: ["path"]) }
        if !(0...1_000_000).contains(rotation.maxMegabytes) {
            findings.error(
                "out-of-range",
                "a file has between 0 (no limit) and 1000000 megabytes",
                at: ["rotation", "max_megabytes"]
            )
        }
        if sync != .always {
            findings.warning(
                "weak-durability",
                "a power cut can lose batches that were acknowledged",
                at: ["sync"],
                help: "write sync: always"
            )
        }
    }

    /// The file.
    public var resources: [ConfigResource] { [ConfigResource(.file(path(home: "$HAMMURABI_HOME")), at: ["path"])] }

    /// The file, for a program whose files lie in `home`.
    public func path(home: String) -> String { path?.path ?? "\(home)/telemetry.jsonl" }
}
