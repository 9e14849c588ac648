// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CEmbedded
import Collector
import Logging
import PluginProcesses
import Usage
import YAML

/// The options with which every command finds its configuration.
struct ConfigOptions: ParsableArguments, Sendable {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A configuration file; later ones override earlier ones.",
            discussion:
                "file:PATH, env:NAME (the text in a variable) and yaml:KEY::KEY: VALUE are taken, too. Without it: ./config.yaml, else $HAMMURABI_HOME/config.yaml, else the default that is built in.",
            valueName: "path"
        )
    )
    var config: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("One value; it overrides the files.", valueName: "key.path=value")
    )
    var overrides: [String] = []

    /// The default configuration as text.
    static var builtIn: String {
        let bytes = UnsafeBufferPointer(start: hammurabi_default_config(), count: hammurabi_default_config_length())
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Loads the configuration and builds its graph; both are only of use when `diagnostics` has no errors.
    ///
    /// - Parameter asksPlugins: Whether plugins that the configuration names are run to describe themselves.
    func load(
        _ environment: Environment,
        asksPlugins: Bool = true,
        diagnostics: inout Diagnostics
    ) -> (root: Node, graph: PipelineGraph)? {
        let source = ConfigSource(paths: config, overrides: overrides, builtIn: Self.builtIn)
        guard let root = source.load(environment, diagnostics: &diagnostics) else { return nil }
        let graph = GraphBuilder.build(
            root,
            registry: BuiltInPlugins.registry,
            home: environment.userHome,
            plugins: asksPlugins ? Self.access(environment) : .forbidden,
            machine: environment.whereabouts,
            diagnostics: &diagnostics
        )
        return (root, graph)
    }

    /// How plugins are asked what they offer.
    static func access(_ environment: Environment) -> PluginCatalog.Access {
        PluginCatalog.Access(
            descriptions: "\(environment.programHome)/plugins/descriptions",
            host: "hammurabi/\(Version.number)",
            userHome: environment.userHome
        )
    }

    /// What can be configured here: the components of the program and, where a configuration is found that can be read, of its plugins.
    ///
    /// Whatever else is wrong with the configuration is not the question.
    func registry(_ environment: Environment, asksPlugins: Bool) -> Registry {
        var diagnostics = Diagnostics()
        guard asksPlugins, let loaded = load(environment, diagnostics: &diagnostics) else {
            return BuiltInPlugins.registry
        }
        let wrong = diagnostics.items.filter { $0.code == "plugin" }
        for diagnostic in wrong { Console.error(diagnostics.rendered(diagnostic) + "\n") }
        return loaded.graph.registry
    }

    /// The graph, or the exit that goes with a configuration that cannot be used; all findings are printed.
    func graph(_ environment: Environment) throws -> PipelineGraph {
        var diagnostics = Diagnostics()
        let loaded = load(environment, diagnostics: &diagnostics)
        Console.error(diagnostics.rendered())
        guard let loaded, !diagnostics.hasErrors else { throw ExitCode(Exit.configuration) }
        return loaded.graph
    }
}

extension ConfigOptions {
    /// The graph for a command that some other program starts in the folder of a project: `./config.yaml` is not read, because it is
    /// the project's.
    ///
    /// - Throws: ``CommandFailure`` with the first error of a configuration that cannot be used.
    func graphForAnyFolder(_ environment: Environment) throws -> PipelineGraph {
        let (options, elsewhere) = forAnyFolder(environment)
        var diagnostics = Diagnostics()
        guard let loaded = options.load(elsewhere, diagnostics: &diagnostics), !diagnostics.hasErrors else {
            throw CommandFailure(diagnostics)
        }
        return loaded.graph
    }

    /// The hub of that graph alone; nil when there is none, or it cannot be understood.
    func hubForAnyFolder(_ environment: Environment) -> PipelineGraph? {
        let (options, elsewhere) = forAnyFolder(environment)
        var diagnostics = Diagnostics()
        let source = ConfigSource(paths: options.config, overrides: overrides, builtIn: Self.builtIn)
        return source.load(elsewhere, diagnostics: &diagnostics).flatMap { root in
            GraphBuilder.extensions(
                ofType: "hub",
                in: root,
                registry: BuiltInPlugins.registry,
                home: environment.userHome
            )
        }
    }

    private func forAnyFolder(_ environment: Environment) -> (ConfigOptions, Environment) {
        var (options, elsewhere) = (self, environment)
        let usual = environment.programHome + "/config.yaml"
        if options.config.isEmpty, environment.fileExists(usual) { options.config = [usual] }
        if options.config.isEmpty { elsewhere.fileExists = { _ in false } }
        return (options, elsewhere)
    }

    /// The configuration as it is now, for a collector that runs.
    func reloaded(_ environment: Environment) -> LoadedGraph {
        var diagnostics = Diagnostics()
        let loaded = load(environment, diagnostics: &diagnostics)
        guard let loaded, !diagnostics.hasErrors else {
            return .refused(diagnostics.items.map { diagnostics.rendered($0) })
        }
        return .graph(loaded.graph)
    }
}

/// The exit codes, after sysexits.h.
enum Exit {
    static let checkSaidNo: Int32 = 1
    static let badInput: Int32 = 65
    static let inputMissing: Int32 = 66
    static let unreachable: Int32 = 69
    static let internalError: Int32 = 70
    static let inputOutput: Int32 = 74
    static let permission: Int32 = 77
    static let configuration: Int32 = 78
}
