// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import FoundationEssentials
import YAML

/// The command `hammurabi validate`.
struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Checks a configuration and prints every error, without starting anything.",
        discussion:
            "Plugins that the configuration names are run once with --describe, after their files are checked; with --no-plugins they are not."
    )

    @OptionGroup var options: ConfigOptions

    @Flag(help: "Print the findings as JSON on standard output.")
    var json = false

    @Flag(help: "Let warnings fail the check, too (exit 1).")
    var denyWarnings = false

    @OptionGroup var plugins: PluginOptions

    func run() throws {
        let environment = Environment.process
        var diagnostics = Diagnostics()
        let loaded = options.load(environment, asksPlugins: !plugins.noPlugins, diagnostics: &diagnostics)
        if let graph = loaded?.graph { diagnostics.append(contentsOf: graph.fileFindings()) }
        if json {
            let records = diagnostics.items.map(DiagnosticRecord.init)
            Console.answer(JSONText.indented(Report(valid: !diagnostics.hasErrors, diagnostics: records)))
        } else {
            Console.error(diagnostics.rendered())
        }
        if loaded == nil || diagnostics.hasErrors { throw ExitCode(Exit.configuration) }
        if denyWarnings, !diagnostics.isEmpty { throw ExitCode(Exit.checkSaidNo) }
        guard !json, let graph = loaded?.graph else { return }
        let files = ConfigSource(paths: options.config, builtIn: "").files(in: environment)
        let place = files.isEmpty ? ConfigSource.builtInName : files.joined(separator: ", ")
        Console.answer("\(place): valid, \(graph.pipelines.count) pipeline\(graph.pipelines.count == 1 ? "" : "s")\n")
    }

    private struct Report: Encodable {
        var valid: Bool
        var diagnostics: [DiagnosticRecord]
    }
}
