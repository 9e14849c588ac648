// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The flags of every command that reports something.
struct OutputOptions: ParsableArguments {
    @Flag(name: [.customShort("j"), .long], help: "Print one JSON document; errors, too, then go to standard output.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "auto, always or never; always gives the layout of a terminal behind a pipe, too.",
            valueName: "when"
        )
    )
    var color = ColorChoice.auto

    @Flag(name: [.short, .long], help: "Print no warnings and notes.")
    var quiet = false

    @Flag(name: [.short, .long], help: "Print on standard error where the numbers come from.")
    var verbose = false

    @Flag(help: "Read the API key for a running collector from standard input; else it is in HAMMURABI_API_KEY.")
    var apiKeyStdin = false

    /// When answers are coloured.
    enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
        case auto, always, never
    }

    func validate() throws {
        if quiet, verbose { throw ValidationError("give either --quiet or --verbose, not both") }
    }

    /// Whether the output has the layout for people.
    var isForPeople: Bool { !json && (Console.isTerminal || color == .always) }

    /// The colours and characters of the output.
    func style(_ environment: [String: String]) -> Style {
        Style(isTerminal: Console.isTerminal, environment: environment, color: color)
    }

    /// The API key for a collector, nil without one.
    ///
    /// - Throws: ``CommandFailure`` when the given text is not a key.
    func key(_ environment: [String: String]) throws(CommandFailure) -> String? {
        let text: String
        if apiKeyStdin {
            text = Console.input(limit: 4_096).trimmingEnds
        } else {
            guard let variable = environment["HAMMURABI_API_KEY"], !variable.isEmpty else { return nil }
            text = variable.trimmingEnds
        }
        // Only characters that cannot end a header field and begin another.
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CommandFailure(
                exitCode: Exit.badInput,
                code: "malformed-key",
                message: "\(apiKeyStdin ? "standard input" : "HAMMURABI_API_KEY") holds no API key",
                suggestion: "a key is one word, as `hammurabi keys create` printed it"
            )
        }
        return text
    }
}

/// The flags of commands whose rows programs can read.
struct TableOptions: ParsableArguments {
    @Flag(help: "Print comma-separated values.")
    var csv = false

    @Flag(help: "Begin tab-separated output with a line of titles.")
    var header = false

    /// The rows in the form that programs read.
    func text(_ table: ProgramTable) -> String {
        csv ? table.csv(isTerminal: Console.isTerminal) : table.tabbed(header: header)
    }
}

/// The flags that select days.
struct PeriodOptions: ParsableArguments {
    @Option(help: "7d, 30d, 90d, today, YYYY-MM or month (the current one, the default).")
    var period: String?

    @Option(
        name: [.customLong("since"), .customLong("from"), .customShort("s")],
        help: ArgumentHelp("The first day, YYYY-MM-DD or YYYYMMDD.", valueName: "date")
    )
    var since: String?

    @Option(
        name: [.customLong("until"), .customLong("to"), .customShort("u")],
        help: ArgumentHelp(
            "The last day; without --since everything up to it. Without it: today.",
            valueName: "date"
        )
    )
    var until: String?

    @Option(
        name: [.customShort("z"), .long],
        help: ArgumentHelp("The time zone of days: UTC, Europe/Berlin, …; default: the hub's.", valueName: "zone")
    )
    var timezone: String?
}

/// The flags that filter calls; each may be repeated, and `unknown` selects calls without the value.
struct FilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only this agent; may be repeated, as may the next ones.", valueName: "name"))
    var agent: [String] = []

    @Option(help: ArgumentHelp("Only this model.", valueName: "name"))
    var model: [String] = []

    @Option(name: [.customShort("p"), .long], help: ArgumentHelp("Only this project.", valueName: "name"))
    var project: [String] = []

    @Option(help: ArgumentHelp("Only this user.", valueName: "name"))
    var user: [String] = []

    @Option(help: ArgumentHelp("Only this machine.", valueName: "name"))
    var machine: [String] = []

    @Option(help: ArgumentHelp("Only this team.", valueName: "name"))
    var team: [String] = []

    @Option(help: ArgumentHelp("Only sessions on this branch.", valueName: "name"))
    var branch: [String] = []

    @Option(help: ArgumentHelp("Only sessions of this kind.", valueName: "main|subagent"))
    var agentKind: [String] = []

    @Option(help: ArgumentHelp("Only calls in this hour of the day, 00 to 23.", valueName: "hour"))
    var hour: [String] = []

    /// The parameters of the request.
    var query: [(String, String)] {
        let names: [(UsageDimension, [String])] = [
            (.agent, agent), (.model, model), (.project, project), (.user, user), (.machine, machine), (.team, team),
            (.branch, branch), (.agentKind, agentKind), (.hour, hour),
        ]
        return names.map { ($0.rawValue, $1) }
            .flatMap { name, values in values.map { (name, $0) } }
    }
}
