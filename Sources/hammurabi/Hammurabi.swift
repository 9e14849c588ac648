// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import YAML

/// The program.
@main
struct Hammurabi: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hammurabi",
        abstract: "Telemetry Hub: collects the telemetry of AI coding agents and says what their calls cost.",
        discussion: """
            Exit codes: 0 done, 64 usage, 65 bad input data, 66 input missing, 69 collector unreachable, 70 internal error, \
            74 I/O, 77 permission, 78 configuration.
            """,
        version: Version.number,
        subcommands: [
            RunCommand.self, ValidateCommand.self, ComponentsCommand.self, ConfigCommand.self, ScanCommand.self,
            SummaryCommand.self, DoctorCommand.self, KeysCommand.self, StatusCommand.self, TapCommand.self,
            ReloadCommand.self,
        ],
        defaultSubcommand: RunCommand.self
    )

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let refusal = refusal(of: arguments) {
            Console.error(refusal)
            exit(withError: ExitCode(EX_USAGE))
        }
        await main(arguments)
    }

    /// What to say about a first word that is no command: the parser would take it for an argument of `run`.
    static func refusal(of arguments: [String]) -> String? {
        let commands = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        guard let word = arguments.first, !word.hasPrefix("-"), !commands.contains(word) else { return nil }
        let similar = suggestion(for: word, among: commands).map { "did you mean \"\($0)\"?" }
        let help = similar ?? "use \(commands.joined(separator: ", "))"
        return "Error: There is no command '\(word.printable)'; \(help)\n"
    }
}

/// The version of the program.
enum Version {
    static let number = "0.1.0"
}
