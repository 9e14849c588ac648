// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import Files
import FoundationEssentials
import JSON
import Logging
import Usage
import YAML

/// The command `hammurabi copy`.
struct CopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copies all calls, sessions and records from one store of the configuration to another.",
        discussion: """
            Both are exporters of the configuration; neither needs to be in a pipeline. Costs are carried over, not computed again, and
            late records of a copied call join it in its copy. The collector must not run meanwhile. A copy that was ended goes on where it
            was when the command is run again, and one that is repeated adds only what is new.

            Example:
              hammurabi copy --from sqlite --to postgresql
            """
    )

    @Option(help: ArgumentHelp("The store that is copied, such as sqlite.", valueName: "id"))
    var from: String

    @Option(help: ArgumentHelp("The store that takes the copy, such as postgresql.", valueName: "id"))
    var to: String

    @OptionGroup var options: ConfigOptions

    @Flag(name: [.customShort("j"), .long], help: "Print one JSON document; errors, too, then go to standard output.")
    var json = false

    @Flag(name: [.short, .long], help: "Print no progress and no result.")
    var quiet = false

    func validate() throws {
        if from == to { throw ValidationError("--from and --to name the same store") }
    }

    func run() async throws {
        do {
            let environment = Environment.process
            let graph = try graph(environment)
            let ids = (try store(from, of: graph), try store(to, of: graph))
            if let client = graph.runningHub {
                throw CommandFailure(
                    exitCode: Exit.inputOutput,
                    code: "in-use",
                    message: "the collector at \(client.endpoint) is running and has the stores open",
                    suggestion: "stop it, such as with `systemctl stop hammurabi`, and run the command again"
                )
            }
            EndSignal.hold()
            defer { EndSignal.release() }
            let result = try await copy(ids, graph, environment)
            guard let result else { return }
            if json { Console.answer(json: result.json) } else if !quiet { Console.answer(result.sentence) }
            if let failure = result.failure { throw failure }
        } catch {
            throw CommandFailure.present(error, json: json)
        }
    }

    /// The graph; warnings, such as that a store is not used yet, are of no interest here.
    private func graph(_ environment: Environment) throws -> PipelineGraph {
        var diagnostics = Diagnostics()
        let loaded = options.load(environment, diagnostics: &diagnostics)
        if let loaded, !diagnostics.hasErrors { return loaded.graph }
        if json { throw CommandFailure(diagnostics) }
        Console.error(diagnostics.rendered())
        throw ExitCode(Exit.configuration)
    }

    /// The id of a store of the configuration.
    private func store(_ name: String, of graph: PipelineGraph) throws -> ComponentID {
        let exporters = graph.components[.exporter] ?? [:]
        let stores = exporters.values.filter(\.factory.isStore).map(\.id).sorted()
        if let id = ComponentID(name), stores.contains(id) { return id }
        let isExporter = ComponentID(name).map { exporters[$0] != nil } ?? false
        let names = stores.map(\.description)
        let nearest = suggestion(for: name, among: names).map { "did you mean \"\($0)\"?" }
        throw CommandFailure(
            exitCode: Exit.configuration,
            code: "unknown-store",
            message: isExporter
                ? "the exporter \"\(name)\" is no store"
                : "the configuration declares no store \"\(name.printable)\"",
            suggestion: nearest
                ?? (names.isEmpty
                    ? "declare one under exporters, such as sqlite" : "use \(names.joined(separator: " or "))")
        )
    }

    private func copy(_ ids: (ComponentID, ComponentID), _ graph: PipelineGraph, _ environment: Environment)
        async throws -> CopyResult?
    {
        let logger = Logger(label: "hammurabi") { _ in StderrLogHandler(level: .warning, now: Console.now) }
        let memory = CopyMemory(ids, home: environment.programHome)
        let display = CopyDisplay(ids, isQuiet: quiet || json, isTerminal: Console.showsProgress, now: Console.now)
        defer { display.clear() }
        let begun = Console.now()
        return try await Collector.withTwoStores(
            ids,
            of: graph,
            home: environment.programHome,
            logger: logger,
            now: Console.now
        ) { source, target, pricing in
            if let identity = source.storeIdentity, identity == target.storeIdentity {
                throw CommandFailure.usage("\(ids.0) and \(ids.1) are the same store")
            }
            guard let store = source.usageStore else { throw StoreError("\(ids.0) is no store") }
            var copy = try StoreCopy(
                from: store,
                to: target,
                pricing: pricing ?? Pricing(table: .empty),
                now: Console.now
            )
            var progress: StoreCopy.Progress?
            let outcome = try await copy.run(after: try memory.load(), sourceIdentity: source.storeIdentity) {
                present,
                whole in
                progress = present
                try memory.save(present)
                display.show(present, of: whole)
                return EndSignal.number == nil
            }
            guard let progress, case .complete(let mine, let theirs) = outcome else {
                display.clear()
                if !quiet {
                    Console.error("hammurabi: ended; run the same command again to go on where it was\n")
                }
                return nil
            }
            let milliseconds = Console.now().milliseconds - begun.milliseconds
            return CopyResult(ids, progress, mine, theirs, milliseconds: max(0, milliseconds))
        }
    }
}

/// Keeps how far a copy has come in `$HAMMURABI_HOME/copies`, one small file for each pair of stores.
private struct CopyMemory {
    private let path: String

    init(_ ids: (ComponentID, ComponentID), home: String) {
        func name(_ id: ComponentID) -> String { id.description.replacing("/", with: "~") }
        path = "\(home)/copies/\(name(ids.0))+\(name(ids.1)).json"
    }

    /// How far it came; nil when there is no file, or none of this version: the copy then begins again, which adds nothing twice.
    func load() throws -> StoreCopy.Progress? {
        guard let bytes = try OwnFile.content(path, largest: 1 << 20) else { return nil }
        return try? JSONDecoder().decode(StoreCopy.Progress.self, from: Data(bytes))
    }

    func save(_ progress: StoreCopy.Progress) throws {
        try DurableFolder.make(DurableFolder.containing(path))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try FileReplacement.replace(path, with: Array(try encoder.encode(progress)))
    }
}

/// Shows how far a copy has come: on a terminal one line that is overwritten, elsewhere a line every five seconds.
final class CopyDisplay {
    private let (from, to): (ComponentID, ComponentID)
    private let isQuiet: Bool
    private let isTerminal: Bool
    private let now: () -> Timestamp
    private let begun: Timestamp
    private var shown: Timestamp?
    private var isDrawn = false

    /// Nothing is shown of a copy that is faster, in milliseconds.
    private static let delay: Int64 = 300

    init(_ ids: (ComponentID, ComponentID), isQuiet: Bool, isTerminal: Bool, now: @escaping () -> Timestamp) {
        (from, to) = ids
        (self.isQuiet, self.isTerminal, self.now) = (isQuiet, isTerminal, now)
        begun = now()
    }

    func show(_ progress: StoreCopy.Progress, of whole: StoreInventory) {
        let present = now().milliseconds
        let interval: Int64 = isTerminal ? 100 : 5_000
        let last = shown?.milliseconds ?? (isTerminal ? begun.milliseconds + Self.delay - interval : begun.milliseconds)
        guard !isQuiet, present - last >= interval else { return }
        shown = now()
        let line = Self.line(progress, of: whole)
        isDrawn = isTerminal
        let text = "copying \(from) to \(to): \(line)"
        Console.error(isTerminal ? "\r\u{1B}[K" + text.prefix(Console.errorWidth - 1) : "hammurabi: \(text)\n")
    }

    /// Removes the line.
    func clear() {
        if isDrawn { Console.error("\r\u{1B}[K") }
        isDrawn = false
    }

    /// How much of each sort is in the target.
    static func line(_ progress: StoreCopy.Progress, of whole: StoreInventory) -> String {
        func part(_ count: Int64, _ all: Int64, _ word: String) -> String {
            all > 0
                ? "\(Figures.grouped(count)) of \(Figures.grouped(all)) \(word)" : "\(Figures.grouped(count)) \(word)"
        }
        return [
            part(progress.sessions, whole.sessions, "sessions"), part(progress.calls, whole.calls, "calls"),
            part(progress.batches, whole.batches, "batches of records"),
        ].joined(separator: ", ")
    }
}

/// How a copy ended, for people and programs.
struct CopyResult: Sendable {
    private let ids: (ComponentID, ComponentID)
    private let progress: StoreCopy.Progress
    private let (source, target): (StoreCopy.Figures, StoreCopy.Figures)
    private let milliseconds: Int64

    init(
        _ ids: (ComponentID, ComponentID),
        _ progress: StoreCopy.Progress,
        _ source: StoreCopy.Figures,
        _ target: StoreCopy.Figures,
        milliseconds: Int64
    ) {
        (self.ids, self.progress, self.milliseconds) = (ids, progress, milliseconds)
        (self.source, self.target) = (source, target)
    }

    /// The figures that differ and should not.
    private var differences: [String] { source.differences(to: target, isShared: progress.isShared) }

    var failure: CommandFailure? {
        guard !differences.isEmpty else { return nil }
        let parts = differences.map { name in
            "\(name) \(Self.text(name, source)) in \(ids.0), \(Self.text(name, target)) in \(ids.1)"
        }
        return CommandFailure(
            exitCode: Exit.checkSaidNo,
            code: "copies-differ",
            message: "the copy differs from the store: \(parts.joined(separator: "; "))",
            suggestion: "keep \(ids.0); run the command again, and report it when they still differ"
        )
    }

    private static func text(_ name: String, _ figures: StoreCopy.Figures) -> String {
        let value = figures.sums[name] ?? 0
        return name == "cost" ? "$\(Figures.exact(Money(nanodollars: value)))" : Figures.grouped(value)
    }

    var sentence: String {
        let copied = [
            Figures.counted(progress.sessions, "session"), Figures.counted(progress.calls, "call"),
        ].joined(separator: ", ")
        let batches = "\(Figures.grouped(progress.batches)) batch\(progress.batches == 1 ? "" : "es") of records"
        let time = Figures.duration(milliseconds: milliseconds)
        let total = "\(Self.text("calls", target)) counted calls and \(Self.text("cost", target))"
        let end =
            source == target
            ? "Both stores have \(total)."
            : "\(ids.1) has \(total), \(ids.0) \(Self.text("calls", source)) and \(Self.text("cost", source))."
        return "Copied \(copied) and \(batches) from \(ids.0) to \(ids.1) in \(time). \(end)\n"
    }

    private struct Document: Encodable {
        struct Copied: Encodable { var sessions, calls, batches: Int64 }
        struct Sums: Encodable {
            var sessions, calls, unpricedCalls, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens,
                reasoningTokens: Int64
            var cost: JSONNumber

            init(_ figures: StoreCopy.Figures) {
                func sum(_ name: String) -> Int64 { figures.sums[name] ?? 0 }
                (sessions, calls, unpricedCalls) = (sum("sessions"), sum("calls"), sum("unpricedCalls"))
                (inputTokens, cacheReadTokens) = (sum("inputTokens"), sum("cacheReadTokens"))
                cacheWriteTokens = sum("cacheWrite5mTokens").saturatingAdding(sum("cacheWrite1hTokens"))
                (outputTokens, reasoningTokens) = (sum("outputTokens"), sum("reasoningTokens"))
                cost = JSONNumber(billionths: sum("cost"))
            }
        }
        var schema = ReportDocument<Copied, Sums>.Schema(name: "hammurabi.copy")
        var from, to: String
        var copied: Copied
        var source, target: Sums
        var differences: [String]
        var durationMs: Int64
    }

    var json: String {
        let copied = Document.Copied(sessions: progress.sessions, calls: progress.calls, batches: progress.batches)
        let document = Document(
            from: ids.0.description,
            to: ids.1.description,
            copied: copied,
            source: Document.Sums(source),
            target: Document.Sums(target),
            differences: differences,
            durationMs: milliseconds
        )
        return JSONText.of(document)
    }
}
