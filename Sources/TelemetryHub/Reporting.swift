// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import Usage
import YAML

/// The result of a command.
struct Report {
    var text: String
    /// Notes for standard error, unless `--quiet`.
    var notes: [String] = []
    var exitCode = Exit.done
}

extension OutputOptions {
    /// Loads the configuration, queries, and writes the answer or why there is none.
    ///
    /// - Parameter needsCollector: Whether only a running collector can answer.
    func report(
        _ options: ConfigOptions,
        needsCollector: Bool = false,
        _ answer: (HubConnection) async throws -> Report
    ) async throws {
        do {
            let report = try await connected(options, needsCollector: needsCollector, answer)
            if json { Console.answer(json: report.text) } else { Console.answer(report.text) }
            if !quiet { for note in report.notes { Console.prose("hammurabi: \(note)\n") } }
            if report.exitCode != Exit.done { throw ExitCode(report.exitCode) }
        } catch {
            throw present(error)
        }
    }

    /// Writes why there is no answer; returns the error with the exit code.
    func present(_ error: any Error) -> any Error {
        CommandFailure.present(error, json: json)
    }

    private func connected(
        _ options: ConfigOptions,
        needsCollector: Bool,
        _ answer: (HubConnection) async throws -> Report
    ) async throws -> Report {
        let environment = Environment.process
        let graph = try usableGraph(options, environment)
        return try await HubConnection.with(
            needsCollector ? .collector : .either,
            of: graph,
            environment,
            key: try key(environment.variables),
            say: { if verbose { Console.prose("hammurabi: \($0)\n") } },
            answer
        )
    }

    /// The graph; prints all errors of the configuration.
    private func usableGraph(_ options: ConfigOptions, _ environment: Environment) throws -> PipelineGraph {
        var diagnostics = Diagnostics()
        let loaded = options.load(environment, diagnostics: &diagnostics)
        if let loaded, !diagnostics.hasErrors {
            if !quiet { Console.error(diagnostics.rendered()) }
            return loaded.graph
        }
        if json { throw CommandFailure(diagnostics) }
        Console.error(diagnostics.rendered())
        throw ExitCode(Exit.configuration)
    }
}

extension CommandFailure {
    /// Writes why there is no answer; returns the error with the exit code.
    static func present(_ error: any Error, json: Bool) -> any Error {
        // The parser prints its own message for wrong arguments.
        if error is ExitCode || (error is ValidationError && !json) { return error }
        var failure = CommandFailure(error)
        if let error = error as? ValidationError { failure = .usage(error.message) }
        if json { Console.answer(json: failure.json) } else { Console.prose(failure.text) }
        return ExitCode(failure.exitCode)
    }
}
