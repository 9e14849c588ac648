// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import FoundationEssentials
import YAML

/// The command `hammurabi convert`.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Converts a configuration of the OpenTelemetry Collector.",
        discussion: """
            Prints the result, which validates, and on standard error a line for each part: kept, replaced, dropped or added, with its \
            place. References such as ${env:NAME} stay as they are.

              hammurabi convert collector.yaml > config.yaml
            """
    )

    @Argument(help: ArgumentHelp("The configuration of the OpenTelemetry Collector.", valueName: "file"))
    var file: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Writes the result here, to a file that is not there yet.", valueName: "path")
    )
    var output: String?

    func run() throws {
        let environment = Environment.process
        guard environment.fileExists(file) else {
            throw CommandFailure.present(Self.failure(Exit.inputMissing, "there is no file \(file)"), json: false)
        }
        var diagnostics = Diagnostics()
        let bytes: [UInt8]
        do {
            bytes = try environment.readFile(file)
        } catch {
            throw CommandFailure.present(Self.failure(Exit.inputOutput, "\(file): \(error)"), json: false)
        }
        let node = Node(parsing: SourceFile(name: file, bytes: bytes), diagnostics: &diagnostics)
        Console.error(diagnostics.rendered())
        guard let node, !diagnostics.hasErrors else { throw ExitCode(Exit.configuration) }
        let conversion = Conversion(node, registry: BuiltInPlugins.registry)
        Console.error(conversion.remarks.map { $0.line + "\n" }.joined())
        if let output {
            try write(conversion.text, to: output, environment)
        } else {
            Console.answer(conversion.text)
        }
        guard !conversion.diagnostics.hasErrors else {
            Console.error(conversion.diagnostics.rendered())
            throw ExitCode(Exit.configuration)
        }
    }

    private func write(_ text: String, to path: String, _ environment: Environment) throws {
        if environment.fileExists(path) {
            throw CommandFailure.present(Self.failure(Exit.inputOutput, "\(path) is there already"), json: false)
        }
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: [.withoutOverwriting])
        } catch {
            throw CommandFailure.present(Self.failure(Exit.inputOutput, "\(path) cannot be written"), json: false)
        }
    }

    private static func failure(_ exitCode: Int32, _ message: String) -> CommandFailure {
        CommandFailure(exitCode: exitCode, code: "file", message: message)
    }
}
