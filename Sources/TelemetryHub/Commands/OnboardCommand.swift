// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import FoundationEssentials
import Onboarding
import Usage
import YAML

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The command `hammurabi onboard`.
struct OnboardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "onboard",
        abstract: "Sets up the coding agents on this machine to send their telemetry here.",
        discussion: """
            Finds the agents, checks the collector by sending it a record, shows each change as a diff, asks, and writes with a \
            backup. On a terminal it asks; elsewhere say --yes, --dry-run, --print or --undo. A key is read from standard input \
            or from HAMMURABI_API_KEY.

            Examples:
              hammurabi onboard
              hammurabi onboard --agent claude-code --dry-run
              hammurabi onboard --yes --endpoint https://hub.example.com:4318
              hammurabi onboard --undo
              hammurabi onboard --service --system --print
            """
    )

    @OptionGroup var config: ConfigOptions

    @Option(
        name: .customLong("agent"),
        help: ArgumentHelp(
            "An agent to configure; may be repeated. Without it, those that are found.",
            valueName: "name"
        ),
        completion: .list(Agent.allCases.map(\.rawValue)),
        transform: OnboardCommand.agent
    )
    var agents: [Agent] = []

    @Option(help: ArgumentHelp("Where to send to; by default this machine's collector.", valueName: "url"))
    var endpoint: String?

    @Flag(help: "Read the collector's key from standard input.")
    var apiKeyStdin = false

    @Flag(help: "Show what would be written; ask no questions and write nothing.")
    var dryRun = false

    @Flag(help: "Print settings to paste, look at no files and write nothing.")
    var print = false

    @Flag(help: "Print a JSON document.")
    var json = false

    @Flag(help: "Bring the files back to what they were, byte for byte.")
    var undo = false

    @Flag(help: "Replace settings that send elsewhere; with --undo, restore files that were changed since.")
    var force = false

    @Flag(name: .shortAndLong, help: "Ask no questions.")
    var yes = false

    @Flag(help: "Wait for the first record of each agent, also with --yes.")
    var wait = false

    @Flag(help: "Do not ask the collector whether it takes records.")
    var noCheck = false

    @Flag(
        inversion: .prefixedNo,
        help: "Let Claude Code show cost and limits in its status line, unless it has one; on a terminal it is asked."
    )
    var statusline: Bool?

    @Flag(help: "Install the collector as a service of this user's systemd; with --undo, remove it.")
    var service = false

    @Flag(help: "With --service: a service of the whole machine, under a user of its own; for root.")
    var system = false

    @Option(
        help: ArgumentHelp(
            "With --system: write below this folder, as for an image, and start nothing.",
            valueName: "folder"
        )
    )
    var root: String?

    func validate() throws {
        if print, undo { throw ValidationError("--print and --undo exclude each other") }
        if system, !service { throw ValidationError("--system goes with --service") }
        if system, !agents.isEmpty {
            throw ValidationError("--system configures no agent; run onboard again without it")
        }
        if let root {
            if !system { throw ValidationError("--root goes with --service --system") }
            if !root.hasPrefix("/") { throw ValidationError("--root must be an absolute path") }
        }
        if dryRun, print { throw ValidationError("--dry-run and --print exclude each other") }
        guard let endpoint else { return }
        guard EndpointURL(endpoint) != nil else {
            throw ValidationError(
                "\"\(endpoint.printable.prefix(80))\" is no address; write http://host:port, such as http://127.0.0.1:4318"
            )
        }
    }

    func run() async throws {
        let environment = Environment.process
        guard let account = Account(environment: environment.variables) else {
            Console.prose("hammurabi: HOME is not set to an absolute path, so the agents' settings cannot be found\n")
            throw ExitCode(Exit.inputMissing)
        }
        var flow = OnboardFlow(
            options: self,
            account: account,
            environment: environment,
            graph: graph(environment),
            questions: asks ? Prompt(environment: environment.variables) : nil
        )
        do {
            let code = try undo ? flow.undo() : flow.run()
            if code != 0 { throw ExitCode(code) }
        } catch is Interrupted {
            Console.error("Nothing was changed.\n")
            throw ExitCode(130)
        } catch let fault as SettingsError {
            Console.prose("hammurabi: \(fault)\n")
            throw ExitCode(fault.exitCode)
        }
    }

    private static func agent(_ name: String) throws -> Agent {
        if let agent = Agent(rawValue: name.lowercased()) { return agent }
        let names = Agent.allCases.map(\.rawValue)
        let help =
            suggestion(for: name, among: names).map { "did you mean \"\($0)\"?" }
            ?? "use \(names.joined(separator: ", "))"
        throw ValidationError("there is no agent '\(name.printable.prefix(40))'; \(help)")
    }

    private var asks: Bool { !yes && !dryRun && !print && !apiKeyStdin && !json }

    /// The configuration of this machine's collector; nil when it cannot be used, which onboarding tolerates.
    private func graph(_ environment: Environment) -> PipelineGraph? {
        var diagnostics = Diagnostics()
        let graph = config.load(environment, diagnostics: &diagnostics)?.graph
        return diagnostics.hasErrors ? nil : graph
    }
}
