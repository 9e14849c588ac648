// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import HubAPI
import JSON
import YAML

/// The command `hammurabi compact`.
struct CompactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Removes data that is older than the retention.",
        discussion: "Without --retention the hub's decides: extensions.hub.retention."
    )

    @OptionGroup var options: ConfigOptions

    @Option(help: ArgumentHelp("How long calls and records are kept, in whole days: 90d.", valueName: "duration"))
    var retention: String?

    @OptionGroup var output: OutputOptions

    private static let day: Int64 = 86_400_000_000_000

    func validate() throws { _ = try retentionDays() }

    /// The retention in days; nil for that of the hub.
    private func retentionDays() throws -> Int64? {
        guard let retention else { return nil }
        do {
            let length = try ConfigDuration(parsing: retention).nanoseconds
            let days = length / Self.day
            guard length % Self.day == 0, (1...36_500).contains(days) else {
                throw ValidationError("--retention counts whole days, from 1d to 36500d")
            }
            return days
        } catch let error as ConfigValueError {
            throw ValidationError("--retention: \(error.message)" + (error.help.map { "; \($0)" } ?? ""))
        }
    }

    func run() async throws {
        try await output.report(options) { hub in
            let body = try retentionDays().map { "{\"retentionDays\":\($0)}" } ?? ""
            let answer = try await hub.ask(.compact, body: body)
            if output.json { return Report(text: answer.text + "\n") }
            guard !output.quiet else { return Report(text: "") }
            let (removed, days) = (answer.document.removed, answer.document.retentionDays.text)
            let kept = Int64(days).map { Figures.counted($0, "day") } ?? "\(days) days"
            return Report(text: "Removed \(Figures.grouped(removed)) records and calls older than \(kept).\n")
        }
    }
}
