// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CEmbedded
import Collector
import CollectorKit
import FoundationEssentials
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
        abstract: "Lists, checks and creates plugins: components that run as processes of their own.",
        discussion: """
            Examples:
              hammurabi plugins new --python team
              hammurabi plugins check ./team.py
              hammurabi plugins list
              hammurabi plugins guide
            """,
        subcommands: [List.self, Check.self, New.self, Guide.self]
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
                    Console.error(
                        "the configuration names no plugins; `hammurabi plugins guide` says how to write one\n"
                    )
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
            return
                "{\"name\": \(plugin.name.jsonString), \"title\": \(plugin.title.jsonString), \"command\": [\(words)], "
                + "\"components\": [\(offers.joined(separator: ", "))]}"
        }
    }
}

extension PluginsCommand {
    /// The command `hammurabi plugins check`.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Checks whether a program follows the plugin protocol.",
            discussion: """
                Runs the program as a collector does, with telemetry of its own, and as a hostile collector would. What the program prints
                goes to standard error.

                Examples:
                  hammurabi plugins check ./team.py --with '{ map: teams.csv }'
                  hammurabi plugins check /usr/bin/python3 ./team.py
                """
        )

        @Argument(help: ArgumentHelp("The program and its arguments.", valueName: "program"))
        var command: [String]

        @Option(name: .customLong("with"), help: ArgumentHelp("The configuration to check it with.", valueName: "yaml"))
        var text: String?

        func run() throws {
            var diagnostics = Diagnostics()
            let configuration = text.flatMap {
                Node(parsing: SourceFile(name: "--with", text: $0), diagnostics: &diagnostics)
            }
            let folder = FileManager.default.temporaryDirectory.appending(path: "hammurabi-check-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            // Files of the program are named by their whole path in a configuration, too.
            let here = FileManager.default.currentDirectoryPath
            let words = command.enumerated().map { number, word in
                let isFile = number == 0 || FileManager.default.fileExists(atPath: word)
                guard isFile, !word.hasPrefix("/") else { return word }
                return URL(filePath: "\(here)/\(word)").standardized.path
            }
            let style = Style(isTerminal: Console.isTerminal, environment: Environment.process.variables)
            var faults = 0
            let check = PluginCheck(PluginCommand(words), configuration: configuration, folder: folder.path) { step in
                let fault = step.fault.map { "\n      " + $0.printable } ?? ""
                if step.fault != nil { faults += 1 }
                Console.answer("\(step.fault == nil ? "ok  " : style.bold("NOT "))  \(step.title.printable)\(fault)\n")
            }
            let isInOrder = check.run(&diagnostics)
            Console.error(diagnostics.rendered())
            guard isInOrder else {
                Console.answer("\(faults) of these fall short; `hammurabi plugins guide` has the rules\n")
                throw ExitCode(Exit.checkSaidNo)
            }
        }
    }

    /// The command `hammurabi plugins guide`.
    struct Guide: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "guide",
            abstract: "Explains how to write a plugin, with the whole protocol."
        )

        static var text: String {
            let bytes = UnsafeBufferPointer(start: hammurabi_plugin_guide(), count: hammurabi_plugin_guide_length())
            return String(decoding: bytes, as: UTF8.self)
        }

        func run() {
            guard Console.isTerminal else { return Console.answer(Self.text) }
            let style = Style(isTerminal: true, environment: Environment.process.variables)
            Console.answer(MarkdownText(width: Console.columns, style: style).text(of: Markdown(Self.text)))
        }
    }

    /// The command `hammurabi plugins new`.
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new",
            abstract: "Creates a new plugin in a folder of its name.",
            discussion: """
                --python and --c begin a child process; --swift begins a program of your own that has the collector as a library and your
                component compiled in.
                """
        )

        @Flag(help: "In Python, with the standard library alone.")
        var python = false
        @Flag(name: .customLong("c"), help: "In C.")
        var isC = false
        @Flag(help: "In Swift, as a package with a program of its own.")
        var swift = false
        @Argument(help: ArgumentHelp("The type of the component: letters, digits and _.", valueName: "name"))
        var name: String

        func validate() throws {
            guard [python, isC, swift].count(where: \.self) == 1 else {
                throw ValidationError("say one of --python, --c and --swift")
            }
            guard let id = ComponentID(name), id.name.isEmpty else {
                throw ValidationError("a name is a letter and then letters, digits or _")
            }
        }

        func run() throws {
            let files =
                python ? PluginTemplates.python(name) : isC ? PluginTemplates.c(name) : PluginTemplates.swift(name)
            let folder = URL(filePath: FileManager.default.currentDirectoryPath).appending(path: name)
            guard !FileManager.default.fileExists(atPath: folder.path) else {
                Console.prose("hammurabi: \(name) is there already; name another, or remove it\n")
                throw ExitCode(Exit.inputOutput)
            }
            do {
                for file in files {
                    let place = folder.appending(path: file.path)
                    let parent = place.deletingLastPathComponent()
                    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
                    try Data(file.text.utf8).write(to: place)
                    let mode = file.isProgram ? 0o755 : 0o644
                    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: place.path)
                    Console.answer("\(name)/\(file.path)\n")
                }
            } catch {
                Console.prose("hammurabi: \(folder.path) cannot be written: \(error)\n")
                throw ExitCode(Exit.inputOutput)
            }
            Console.answer("\n" + PluginTemplates.next(name, in: folder.path, isPython: python, isC: isC))
        }
    }
}
