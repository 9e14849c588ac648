// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import HubAPI
import Usage

/// The command `hammurabi alerts`.
struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts",
        abstract: "Shows open alerts, and sends a test notice to a target.",
        subcommands: [List.self, Test.self],
        defaultSubcommand: List.self
    )

    /// The command `hammurabi alerts list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Open alerts, and who is notified (the default).",
            discussion: "Rules and targets are in the configuration: extensions.hub.alerts."
        )

        @OptionGroup var options: ConfigOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let style = output.style(Environment.process.variables)
            try await output.report(options) { hub in
                let answer = try await hub.ask(.alerts)
                if output.json { return Report(text: answer.text + "\n") }
                let report = AlertsReport(answer.document, now: Console.now())
                if output.isForPeople { return Report(text: report.text(style)) }
                return Report(text: report.table.tabbed(header: false))
            }
        }
    }

    /// The command `hammurabi alerts test`.
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Sends a test notice to a target, from the running collector."
        )

        @Argument(help: ArgumentHelp("A target of extensions.hub.alerts.targets.", valueName: "name"))
        var name: String

        @OptionGroup var options: ConfigOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await output.report(options, needsCollector: true) { hub in
                let answer = try await hub.ask(HubEndpoint.alertTest.at(PercentEncoding.encode(name)))
                if output.json { return Report(text: answer.text + "\n") }
                return Report(text: output.quiet ? "" : "the notice arrived at \(name.printable)\n")
            }
        }
    }
}
