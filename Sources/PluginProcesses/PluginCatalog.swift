// SPDX-License-Identifier: Apache-2.0

import CollectorKit
public import YAML

/// The plugins that a configuration names, each asked what it offers.
public struct PluginCatalog: Sendable {
    /// The plugins that could be asked, in the order of the configuration.
    public private(set) var plugins: [KnownPlugin] = []
    /// Whether some plugin was not asked, so that a type that is not known may be one of its.
    public private(set) var isIncomplete = false

    /// How plugins are asked.
    public struct Access: Sendable {
        /// Whether programs may be run at all.
        public var isAllowed: Bool
        /// Where descriptions are kept, so that a program that has not changed is not run again; nil to keep none.
        public var descriptions: String?
        /// How the collector calls itself in the protocol.
        public var host: String
        /// The user's home, for paths that begin with `~`.
        public var userHome: String?

        /// Creates a way to ask.
        public init(descriptions: String?, host: String, userHome: String?) {
            isAllowed = true
            self.descriptions = descriptions
            self.host = host
            self.userHome = userHome
        }

        private init() {
            isAllowed = false
            host = ""
        }

        /// Runs nothing: for a configuration that one only looks at.
        public static let forbidden = Access()
    }

    /// What a user writes under the name of a plugin.
    struct Section: ConfigSection {
        var command: [String] = []
        var sha256 = ""
        var memoryLimit = ConfigByteSize(bytes: 0)

        enum CodingKeys: String, CodingKey {
            case command, sha256
            case memoryLimit = "memory_limit"
        }
    }

    /// Nothing.
    public init() {}

    /// Reads the section `plugins` of a configuration and asks each plugin what it offers.
    ///
    /// Blocks while programs describe themselves, ten seconds each at most.
    public init(_ section: Node?, _ access: Access, _ decoder: ConfigDecoder, _ diagnostics: inout Diagnostics) {
        guard let section, !section.isNull else { return }
        guard let entries = section.mapping?.entries else {
            diagnostics.append(
                .error(
                    "type-mismatch",
                    "plugins is a mapping of names to plugins",
                    at: section.mark,
                    help: "write plugins: { NAME: { command: [/PATH/TO/PROGRAM] } }"
                )
            )
            isIncomplete = true
            return
        }
        for entry in entries { read(entry, access, decoder, &diagnostics) }
    }

    private mutating func read(
        _ entry: Node.Entry,
        _ access: Access,
        _ decoder: ConfigDecoder,
        _ diagnostics: inout Diagnostics
    ) {
        let name = entry.key.text
        guard let id = ComponentID(name), id.name.isEmpty else {
            diagnostics.append(.error("plugin", "\"\(name)\" is no name of a plugin", at: entry.key.mark))
            isIncomplete = true
            return
        }
        let section = decoder.decode(Section.self, from: entry.value, over: Section(), diagnostics: &diagnostics)
        let places = ConfigLocations(entry.value, rootKey: entry.key.mark)
        // What is no mapping has been reported as such.
        guard entry.value.mapping != nil || entry.value.isNull else {
            isIncomplete = true
            return
        }
        guard !section.command.isEmpty else {
            diagnostics.append(
                .error(
                    "plugin",
                    "the plugin \"\(name)\" has no command",
                    at: places.location(of: ["command"]),
                    help: "write command: [/PATH/TO/PROGRAM]"
                )
            )
            isIncomplete = true
            return
        }
        guard access.isAllowed else {
            isIncomplete = true
            return
        }
        var command = PluginCommand(section.command, checksum: section.sha256.isEmpty ? nil : section.sha256)
        command.memoryLimit = Int(clamping: section.memoryLimit.bytes)
        var place = ["command"]
        do throws(StartError) {
            try command.checkFiles()
            place = ["sha256"]
            try command.checkChecksum()
            place = ["command"]
            let fingerprint = try command.fingerprint()
            let inquiry = PluginInquiry(command: command, folder: access.descriptions)
            let description = try inquiry.description(of: fingerprint)
            plugins.append(
                KnownPlugin(
                    name: name,
                    command: command,
                    fingerprint: fingerprint,
                    description: description,
                    host: access.host,
                    userHome: access.userHome
                )
            )
        } catch {
            isIncomplete = true
            diagnostics.append(
                .error("plugin", "the plugin \"\(name)\": \(error)", at: places.location(of: place))
            )
        }
    }
}
