// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import JSON
import PluginProcesses
import YAML

/// The flag of commands that look at a configuration without using it.
struct PluginOptions: ParsableArguments, Sendable {
    @Flag(help: "Run no plugin, not even to ask what it offers: for a configuration you only look at.")
    var noPlugins = false
}

/// The command `hammurabi plugins`.
struct PluginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins",
        abstract: "Lists, checks and begins components that run in processes of their own.",
        discussion: """
            Examples:
              hammurabi plugins new --python team
              hammurabi plugins check ./team.py --set map=teams.csv
              hammurabi plugins list
              hammurabi plugins guide
            """,
        subcommands: [List.self]
    )

    /// The command `hammurabi plugins list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists the plugins of the configuration and what each offers."
        )

        @OptionGroup var options: ConfigOptions

        @Flag(help: "Print the list as JSON.")
        var json = false

        func run() throws {
            var diagnostics = Diagnostics()
            guard let graph = options.load(.process, diagnostics: &diagnostics)?.graph else {
                Console.error(diagnostics.rendered())
                throw ExitCode(Exit.configuration)
            }
            let wrong = diagnostics.items.filter { $0.code == "plugin" }
            for diagnostic in wrong { Console.error(diagnostics.rendered(diagnostic) + "\n") }
            if json {
                let entries = graph.plugins.map { "  " + Self.json($0) }.joined(separator: ",\n")
                Console.answer("{\"plugins\": [\n\(entries)\n]}\n")
            } else {
                Console.answer(graph.plugins.map { Self.text($0) }.joined(separator: "\n"))
                if graph.plugins.isEmpty, wrong.isEmpty {
                    Console.error("the configuration names no plugins; `hammurabi plugins guide` says how to write one\n")
                }
            }
            if !wrong.isEmpty { throw ExitCode(Exit.configuration) }
        }

        private static func text(_ plugin: KnownPlugin) -> String {
            let words = plugin.command.words.map(\.printable).joined(separator: " ")
            let offers = plugin.factories.map { "  \($0.kind.singular) \($0.type)  \($0.summary.printable)\n" }
            return "\(plugin.name)  \(plugin.title.printable)  \(words)\n" + offers.joined()
        }

        private static func json(_ plugin: KnownPlugin) -> String {
            let offers = plugin.factories.map {
                "{\"kind\": \($0.kind.singular.jsonString), \"type\": \($0.type.jsonString), \"summary\": \($0.summary.jsonString)}"
            }
            let words = plugin.command.words.map(\.jsonString).joined(separator: ", ")
            return "{\"name\": \(plugin.name.jsonString), \"title\": \(plugin.title.jsonString), \"command\": [\(words)], "
                + "\"components\": [\(offers.joined(separator: ", "))]}"
        }
    }
}
