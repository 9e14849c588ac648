// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The keys under `api_keys:`.
public struct APIKeysConfig: ComponentConfig {
    /// The file that `hammurabi keys` writes; empty for `keys.json` in the program's folder.
    public var file = ConfigPath("")
    /// Further keys, in the configuration.
    public var keys: [Key] = []

    /// The defaults.
    public init() {}

    /// A key that is not in the file.
    public struct Key: ConfigSection, Hashable {
        /// The key's name.
        public var name = ""
        /// The key itself.
        public var key = Secret("")
        /// The scopes of the key.
        public var scopes = KeyScope.allCases

        /// Creates a key without a name.
        public init() {}
    }

    /// What each key means.
    public static let documentation = [
        "file": "the file that hammurabi keys writes; $HAMMURABI_HOME/keys.json when left out",
        "keys":
            "further keys: name, key (${env:NAME} or ${file:PATH}, at least 20 characters) and scopes (telemetry:read, telemetry:write)",
    ]

    /// The least length: a shorter key can be guessed, or found from its hash.
    static let shortestKey = 20

    /// The rule for names, for messages.
    public static let nameRule = "one line of at most 200 visible characters"

    /// Whether a key may have this name.
    ///
    /// Lists, logs and documents show it, so it must not control a terminal, nor change the direction of writing, by which one name
    /// could look like another.
    public static func isName(_ name: String) -> Bool {
        (1...200).contains(name.unicodeScalars.count) && name.contains { !$0.isWhitespace }
            && name.unicodeScalars.allSatisfy { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: false
                default: true
                }
            }
    }

    /// Reports keys without a name, keys that can be guessed, and keys without a scope.
    public func validate(_ findings: inout ConfigFindings) {
        var names: Set<String> = []
        for (position, entry) in keys.enumerated() {
            let place = ["keys", "\(position)"]
            if entry.name.isEmpty {
                findings.error("key", "the key has no name", at: place, help: "write whose it is: name: build-server")
            } else if !Self.isName(entry.name) {
                findings.error("key", "the name of the key is not \(Self.nameRule)", at: place + ["name"])
            } else if !names.insert(entry.name).inserted {
                findings.error("key", "two keys have the name \"\(entry.name)\"", at: place + ["name"])
            }
            if entry.key.value.utf8.count < Self.shortestKey {
                findings.error(
                    "key",
                    "the key has fewer than \(Self.shortestKey) characters and could be guessed",
                    at: place + ["key"],
                    help: "make one with: openssl rand -base64 32"
                )
            }
            if entry.scopes.isEmpty {
                findings.error(
                    "key",
                    "the key allows nothing",
                    at: place + ["scopes"],
                    help: "write [telemetry:write], [telemetry:read] or both"
                )
            }
        }
    }

    /// The file, which only one component may write.
    public var resources: [ConfigResource] {
        file.isEmpty ? [] : [ConfigResource(.file(file.path), at: ["file"])]
    }

    /// The path of the file.
    ///
    /// - Parameter home: The program's folder.
    public func path(home: String) -> String { file.isEmpty ? home + "/keys.json" : file.path }
}
