// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

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
        subcommands: [RunCommand.self, ValidateCommand.self, ComponentsCommand.self, ConfigCommand.self, SummaryCommand.self],
        defaultSubcommand: RunCommand.self
    )
}

/// The version of the program.
enum Version {
    static let number = "0.1.0"
}
