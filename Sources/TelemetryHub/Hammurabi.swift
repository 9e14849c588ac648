// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
public import CollectorKit
import YAML

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Telemetry Hub as a library: your own program with the built-in components and yours.
///
/// ```swift
/// import TelemetryHub
///
/// await TelemetryHub.main(adding: [.ledgerCSV])
/// ```
public enum TelemetryHub {
    /// Runs the command of this process's arguments, `run` without any, and ends the process with its exit code.
    ///
    /// - Parameter components: Components in addition to the built-in ones. When the type of one is taken, the process ends with the exit
    ///   code for a configuration error.
    public static func main(adding components: [ComponentFactory] = []) async {
        do throws(StartError) {
            if !components.isEmpty { try BuiltInPlugins.add(components) }
        } catch {
            Console.prose("hammurabi: \(error)\n")
            Hammurabi.exit(withError: ExitCode(error.exitCode))
        }
        await Hammurabi.main()
    }
}

/// The root of all commands.
struct Hammurabi: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hammurabi",
        abstract: "Telemetry Hub: collects the telemetry of AI coding agents and reports what their calls cost.",
        discussion: """
            To begin:
              hammurabi scan       reads the sessions that your agents already wrote
              hammurabi summary    what they cost
              hammurabi run        the collector and its dashboard, in the foreground
              hammurabi onboard    sets up your agents to send to it

            The words of ccusage and of the OpenTelemetry Collector work, too: hammurabi codex daily, usage, version,
            print-config. `hammurabi help topics` lists what else is explained: keys, tls, reload, limits, systemd, exit-codes …
            """,
        version: Version.number,
        subcommands: [
            RunCommand.self, ScanCommand.self, OnboardCommand.self, OpenCommand.self, DoctorCommand.self,
        ],
        groupedSubcommands: [
            CommandGroup(
                name: "Report",
                subcommands: [
                    SummaryCommand.self, DailyCommand.self, WeeklyCommand.self, MonthlyCommand.self,
                    ReportCommand.self, SessionReportCommand.self, BlocksCommand.self, SessionsCommand.self,
                    CompareCommand.self,
                    BudgetCommand.self, LimitsCommand.self, AlertsCommand.self, PricesCommand.self,
                    StatusLineCommand.self, MCPCommand.self,
                ]
            ),
            CommandGroup(
                name: "Configuration",
                subcommands: [
                    ValidateCommand.self, ConfigCommand.self, ComponentsCommand.self, PluginsCommand.self,
                    ConvertCommand.self, SchemaCommand.self, CompletionCommand.self,
                ]
            ),
            CommandGroup(
                name: "Operation",
                subcommands: [
                    StatusCommand.self, TopCommand.self, TapCommand.self, KeysCommand.self, QueueCommand.self,
                    ReloadCommand.self, CompactCommand.self, CopyCommand.self,
                ]
            ),
        ],
        defaultSubcommand: RunCommand.self
    )

    static func main() async {
        let typed = OtherWords.translated(Array(CommandLine.arguments.dropFirst()))
        let arguments = CCUsageFlags.translated(typed)
        if arguments.count == 2, arguments[0] == "help", explain(arguments[1]) { return }
        if let refusal = CCUsageFlags.refusal(of: typed) ?? refusal(of: arguments) { refuse(refusal, arguments) }
        do {
            // Started at every prompt of an agent: the parser looks at all commands before it comes to this one.
            let isStatusLine = arguments.first == StatusLineCommand._commandName
            let quick = isStatusLine ? try? StatusLineCommand.parse(Array(arguments.dropFirst())) : nil
            var command: any ParsableCommand = if let quick { quick } else { try parseAsRoot(arguments) }
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            // With --json the reason is JSON, too.
            if exitCode(for: error).rawValue == EX_USAGE, Self.wantsJSON(arguments) {
                refuse(fullMessage(for: error), arguments)
            }
            exit(withError: error)
        }
    }

    /// Prints a topic, behind the help of a command of the same name; false for a word that is no topic.
    private static func explain(_ word: String) -> Bool {
        guard let text = word == "topics" ? HelpTopics.list : HelpTopics.text(word) else { return false }
        if word == KeysCommand._commandName { Console.answer(helpMessage(for: KeysCommand.self) + "\n") }
        guard Console.isTerminal, text.hasPrefix("#") else {
            Console.answer(text)
            return true
        }
        let style = Style(isTerminal: true, environment: Environment.process.variables)
        Console.answer(MarkdownText(width: Console.columns, style: style).text(of: Markdown(text)))
        return true
    }

    private static func wantsJSON(_ arguments: [String]) -> Bool {
        arguments.contains("--json") && !arguments.contains("--csv")
    }

    /// Ends the program because its arguments are wrong.
    private static func refuse(_ refusal: String, _ arguments: [String]) -> Never {
        if wantsJSON(arguments) {
            let line = refusal.split(separator: "\n").first ?? ""
            let message = line.hasPrefix("Error: ") ? line.dropFirst(7) : line
            Console.answer(CommandFailure.usage(String(message), suggestion: "--help lists commands and options").json)
        } else {
            Console.prose(refusal)
        }
        exit(withError: ExitCode(EX_USAGE))
    }

    /// The message for an unknown command: the parser would take the word for an argument of another command.
    static func refusal(of arguments: [String]) -> String? { refusal(of: arguments[...], after: Self.self, named: "") }

    private static func refusal(
        of arguments: ArraySlice<String>,
        after command: any ParsableCommand.Type,
        named path: String
    ) -> String? {
        let children = command.configuration.subcommands
        guard !children.isEmpty, let word = arguments.first, !word.hasPrefix("-") else { return nil }
        let names = children.map { $0._commandName } + (path.isEmpty ? ["help"] : [])
        if word == "help" { return refusal(ofHelp: arguments.dropFirst().first, among: names) }
        guard names.contains(word) else {
            let others = path.isEmpty ? Array(OtherWords.commands.keys) : []
            let nearest =
                (path.isEmpty ? OtherWords.meanings[word] : nil) ?? suggestion(for: word, among: names + others)
            let similar = nearest.map { "did you mean \"\($0)\"?" }
            let help = similar ?? "use \(names.joined(separator: ", "))"
            return "Error: There is no command '\(path)\(word.printable)'; \(help)\n"
        }
        guard let child = children.first(where: { $0._commandName == word }) else { return nil }
        return refusal(of: arguments.dropFirst(), after: child, named: path + word + " ")
    }
}

extension Hammurabi {
    /// The message for a word that `help` does not explain: the parser would print the overview.
    private static func refusal(ofHelp word: String?, among names: [String]) -> String? {
        let known = names + HelpTopics.names + ["topics"]
        guard let word, !word.hasPrefix("-"), !known.contains(word) else { return nil }
        let similar = suggestion(for: word, among: known).map { "did you mean \"\($0)\"?" }
        return "Error: There is no command or topic '\(word.printable)'; "
            + (similar ?? "hammurabi help topics lists the topics") + "\n"
    }
}

/// The version of the program.
enum Version {
    static let number = "0.1.0"
}
