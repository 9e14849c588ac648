// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import HubExtension

/// What `hammurabi help TOPIC` explains: the sections of the page on running a collector, by the words of their titles, and the exit
/// codes.
enum HelpTopics {
    /// The names of all topics, in the order of the page.
    static var names: [String] { sections.flatMap(\.names) + [exitCodes] }

    private static let exitCodes = "exit-codes"

    /// The text of a topic as Markdown; nil for another word.
    static func text(_ name: String) -> String? {
        if name == exitCodes { return Exit.table }
        return sections.first { $0.names.contains(name) }?.text
    }

    /// The list of topics.
    static var list: String {
        "Topics:\n" + names.map { "  hammurabi help \($0)\n" }.joined()
            + "\nThe dashboard has them under /docs/operations.\n"
    }

    /// Pages of the dashboard's documentation beside those of components.
    static var guides: [DocumentationGuide] {
        [
            DocumentationGuide(
                name: "operations",
                title: "Running a collector",
                purpose: "keys, TLS, reload, limits, systemd, containers",
                text: operations
            ),
            DocumentationGuide(
                name: "accuracy",
                title: "How calls are counted",
                purpose: "which records are one call, whose it is, and what taught each rule",
                text: text(hammurabi_accuracy(), hammurabi_accuracy_length())
            ),
            DocumentationGuide(
                name: "plugins",
                title: "Plugins",
                purpose: "components in other languages, with the whole protocol",
                text: PluginsCommand.Guide.text
            ),
        ]
    }

    private static var operations: String { text(hammurabi_operations(), hammurabi_operations_length()) }

    private static func text(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    private struct Section {
        let names: [String]
        let text: String
    }

    /// The sections of the page, each with the words of its title.
    private static var sections: [Section] {
        operations.split(separator: "\n## ").dropFirst().map { section in
            let title = section.prefix { $0 != "\n" }
            let names = title.lowercased().split(separator: " ").map(String.init).filter { $0 != "and" }
            return Section(names: names, text: "## \(section.trimmingSuffix { $0 == "\n" })\n")
        }
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(while isDropped: (Character) -> Bool) -> SubSequence {
        var text = self[...]
        while let last = text.last, isDropped(last) { text.removeLast() }
        return text
    }
}
