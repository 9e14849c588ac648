// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import HubAPI
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The command `hammurabi open`.
struct OpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Opens the dashboard, with the same period and filters as a report.",
        discussion: """
            Prints its address, and on a terminal with a desktop opens it with $BROWSER or xdg-open.

            Examples:
              hammurabi open
              hammurabi open --period 7d --project hub
              hammurabi open --page sessions
            """
    )

    @OptionGroup var options: ConfigOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var filters: FilterOptions

    @Option(help: ArgumentHelp("overview, sessions, pipelines, prices or quality.", valueName: "page"))
    var page = Page.overview

    @Flag(help: "Only print the address.")
    var print = false

    @OptionGroup var output: OutputOptions

    enum Page: String, ExpressibleByArgument, CaseIterable {
        case overview, sessions, pipelines, prices, quality
    }

    func validate() throws {
        if period.isGiven { _ = try period.resolved(in: "UTC", now: Console.now()) }
    }

    func run() async throws {
        let variables = Environment.process.variables
        try await output.report(options, needsCollector: true) { hub in
            let days = period.isGiven ? try period.resolved(in: hub.timezone, now: Console.now()) : nil
            // A time zone is a parameter of its own only where it was named.
            let query = (days?.query.filter { $0.0 != "timezone" || period.timezone != nil } ?? []) + filters.query
            let address = hub.dashboard(page.rawValue, query)
            let hasDesktop = ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"].contains { !(variables[$0] ?? "").isEmpty }
            if !print, !output.json, Console.isTerminal, hasDesktop {
                _ = Browser.open(address, variables["BROWSER"])
            }
            return Report(text: output.json ? JSONText.of(["url": address]) : address + "\n")
        }
    }
}

/// The program that shows pages.
private enum Browser {
    /// Starts it with an address and does not wait for it; whether it could be started.
    static func open(_ address: String, _ command: String?) -> Bool {
        // A list of programs, as the variable may be, is tried from its beginning.
        let programs = (command ?? "").split(separator: ":").map(String.init) + ["xdg-open"]
        return programs.contains { (try? ChildProgram([$0, address])) != nil }
    }
}

extension HubConnection {
    /// The address of a page of the dashboard under some filters.
    func dashboard(_ page: String, _ query: [(String, String)]) -> String {
        // Every address of the machine is none that a browser could ask.
        let isAny = ["0.0.0.0", "::"].contains(endpoint.host)
        let host = isAny ? "127.0.0.1:\(endpoint.port)" : endpoint.description
        let parameters = query.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
        return "\(isEncrypted ? "https" : "http")://\(host)/#/\(page)" + (parameters.isEmpty ? "" : "?" + parameters)
    }
}
