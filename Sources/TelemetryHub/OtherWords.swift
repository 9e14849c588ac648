// SPDX-License-Identifier: Apache-2.0

import Usage

/// Words of other programs, and what they mean here.
enum OtherWords {
    /// The command line for one of this program's, where its first words are another program's.
    static func translated(_ arguments: [String]) -> [String] {
        guard let first = arguments.first else { return arguments }
        let rest = Array(arguments.dropFirst())
        if let command = commands[first] { return command + rest }
        // `ccusage codex daily`; without a report it is that of days.
        guard let agents = agents(first) else { return arguments }
        let filter = agents.flatMap { ["--agent", $0] }
        guard let report = rest.first, !report.hasPrefix("-") else { return ["daily"] + rest + filter }
        if report == "statusline" { return rest }
        return reports.contains(report) ? rest + filter : arguments
    }

    /// Commands by the words of ccusage and of the OpenTelemetry Collector.
    static let commands = [
        "usage": ["summary"], "version": ["--version"], "-v": ["--version"], "print-config": ["config", "print"],
    ]

    private static let moving = "copy --from jsonl --to sqlite"

    /// What a word that is no command most likely means.
    static let meanings = [
        "cost": "summary", "costs": "summary", "stats": "summary",
        "today": "summary --period today",
        "month": "monthly", "week": "weekly", "day": "daily", "hourly": "daily", "yearly": "monthly",
        "models": "summary --by model", "projects": "summary --by project", "agents": "summary --by agent",
        "users": "summary --by user", "block": "blocks", "limit": "limits", "quota": "limits", "rate-limits": "limits",
        "live": "top", "monitor": "top", "watch": "top", "tail": "top", "dashboard": "open", "web": "open",
        "ui": "open",
        "start": "run", "serve": "run", "server": "run", "check": "validate", "setup": "onboard", "install": "onboard",
        "init": "onboard", "import": "scan", "sync": "scan", "prune": "compact", "gc": "compact", "key": "keys",
        "price": "prices", "pricing": "prices", "health": "status", "ps": "status", "info": "status",
        "default-config": "config default", "migrate": moving, "move": moving, "mv": moving, "cp": moving,
    ]

    /// The reports of ccusage.
    static let reports: Set = ["daily", "weekly", "monthly", "session", "blocks"]

    /// How the agents of a source of ccusage are called here; nil for a word that is no source.
    private static func agents(_ source: String) -> [String]? {
        if source == "claude" { return CodingAgent.claudeCode.reportedNames }
        if source == "kilo" { return ["kilo-code"] }
        if let agent = CodingAgent(rawValue: source) { return agent.reportedNames }
        return others.contains(source) ? [source] : nil
    }

    /// Sources of ccusage that are read only where they send telemetry.
    private static let others: Set = [
        "droid", "codebuff", "hermes", "goose", "openclaw", "antigravity", "grok", "zcode",
    ]
}

/// Flags of ccusage's reports and status line that mean nothing here, have another name, or cannot be had.
///
/// The flags are those of its page "Command-Line Options" and of its README up to version 20.
enum CCUsageFlags {
    private enum Meaning {
        /// It changes nothing here; with the number of words after it that belong to it.
        case nothing(words: Int)
        /// What to write here.
        case words([String])
        /// Why it cannot be had, and what to do instead.
        case refused(String)
    }

    private static func meaning(of flag: String, before next: String?, in command: String) -> Meaning? {
        switch flag {
        case "--no-offline", "--single-thread", "--all", "--cache", "--no-cache": return .nothing(words: 0)
        case "--locale", "-l", "--debug-samples", "--refresh-interval", "--context-low-threshold":
            return .nothing(words: 1)
        case "--offline", "-O": return command == "statusline" ? .nothing(words: 0) : nil
        case "--debug", "-d": return command == "statusline" ? .nothing(words: 0) : .words(["--verbose"])
        case "--no-color": return .words(["--color", "never"])
        case "--color":
            let isChosen = next.map { OutputOptions.ColorChoice(rawValue: $0) != nil } ?? false
            return isChosen ? nil : .words(["--color", "always"])
        case "--speed": return next == "auto" ? .nothing(words: 1) : .refused(refusals["--speed"] ?? "")
        // Here it is short for --quiet, there it was for --jq.
        case "-q": return next.map { $0.hasPrefix(".") } ?? false ? .refused(refusals["--jq"] ?? "") : nil
        default: return refusals[flag].map(Meaning.refused)
        }
    }

    private static let refusals = [
        "--jq": "pipe the JSON into jq: hammurabi daily --json --format ccusage | jq .daily",
        "--live": "hammurabi top watches a running collector; hammurabi blocks --active has the block under way",
        "--live-only": "calls stay counted when the session file they were read from is gone",
        "--custom-dirs":
            "name the folders in the configuration, such as receivers.agent_sessions.claude_code.directories",
        "--pi-path": "name the folders in the configuration: receivers.agent_sessions.pi.directories",
        "--sections": "ask for one report after the other: hammurabi daily, hammurabi monthly, hammurabi session",
        "--by-agent": "use hammurabi summary --by agent, or --agent NAME",
        "--speed": "each call is priced by the service tier that it had",
        "--no-cost": "every report has its costs; take the columns you want from --csv",
        "--project-aliases": "a project is called as its directory or its records say",
    ]

    private static func isTaken(_ command: String) -> Bool {
        OtherWords.reports.contains(command) || command == "statusline"
    }

    /// A command line without the flags that change nothing, and with this program's words for the others.
    static func translated(_ arguments: [String]) -> [String] {
        guard let command = arguments.first, isTaken(command) else { return arguments }
        var (translated, rest) = ([command], arguments.dropFirst())
        while let argument = rest.popFirst() {
            let (flag, value) = parts(of: argument)
            switch meaning(of: flag, before: value ?? rest.first, in: command) {
            case .nothing(let words): if value == nil { rest = rest.dropFirst(words) }
            case .words(let words): translated += words
            case .refused, nil: translated.append(argument)
            }
        }
        return translated
    }

    /// The message for a flag that cannot be had; nil without one.
    static func refusal(of arguments: [String]) -> String? {
        guard let command = arguments.first, isTaken(command) else { return nil }
        let rest = arguments.dropFirst()
        for (position, argument) in zip(rest.indices, rest) {
            let (flag, value) = parts(of: argument)
            let next = value ?? (position + 1 < rest.endIndex ? rest[position + 1] : nil)
            guard case .refused(let reason)? = meaning(of: flag, before: next, in: command) else { continue }
            return "Error: \(flag) of ccusage is not here; \(reason)\n"
        }
        return nil
    }

    /// `--locale=de-DE` as a flag and its value.
    private static func parts(of argument: String) -> (flag: String, value: String?) {
        guard argument.hasPrefix("--"), let sign = argument.firstIndex(of: "=") else { return (argument, nil) }
        return (String(argument[..<sign]), String(argument[argument.index(after: sign)...]))
    }
}
