// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import YAML

/// The command `hammurabi config`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Prints the configuration in force, the default one, or a schema.",
        subcommands: [Print.self, Default.self, Schema.self]
    )

    /// The command `hammurabi config print`.
    struct Print: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "print",
            abstract: "Prints the configuration in force: files joined, defaults filled in, secrets left out.",
            discussion:
                "A value that comes from the environment or from a file may be a secret: it is printed as its reference, ${env:NAME}."
        )

        @OptionGroup var options: ConfigOptions
        @OptionGroup var plugins: PluginOptions

        func run() throws {
            var diagnostics = Diagnostics()
            let loaded = options.load(.process, asksPlugins: !plugins.noPlugins, diagnostics: &diagnostics)
            Console.error(diagnostics.rendered())
            guard let loaded, !diagnostics.hasErrors else { throw ExitCode(Exit.configuration) }
            Console.answer(Self.filled(loaded.root, loaded.graph).rendered(redacting: diagnostics.secretKeys))
        }

        /// The configuration with each component's defaults added.
        private static func filled(_ root: Node, _ graph: PipelineGraph) -> Node {
            guard case .mapping(var sections) = root else { return root }
            for kind in ComponentKind.allCases {
                guard case .mapping(var components)? = sections[kind.rawValue] else { continue }
                for entry in components.entries {
                    guard let id = ComponentID(entry.key.text), let declared = graph.component(kind, id),
                        let defaults = declared.factory.configuration.defaults
                    else { continue }
                    components[entry.key.text] = entry.value.filled(from: defaults)
                }
                sections[kind.rawValue] = .mapping(components)
            }
            return .mapping(sections)
        }
    }

    /// The command `hammurabi config default`.
    struct Default: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "default",
            abstract: "Prints the default configuration with its comments."
        )

        func run() throws {
            Console.answer(ConfigOptions.builtIn)
        }
    }

    /// The command `hammurabi config schema`.
    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "schema",
            abstract:
                "Prints a JSON Schema (2020-12) for configurations, with the components of the plugins of this one."
        )

        @OptionGroup var options: ConfigOptions
        @OptionGroup var plugins: PluginOptions

        func run() throws {
            let registry = options.registry(.process, asksPlugins: !plugins.noPlugins)
            Console.answer(ConfigSchema(registry: registry).text)
        }
    }
}
