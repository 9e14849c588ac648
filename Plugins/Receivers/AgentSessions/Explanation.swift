// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import JSON
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What is read of one file, call by call, and why something in it is not counted: what a report of a wrong figure needs.
///
/// Nothing of it comes from prompts or answers.
public struct SessionFileExplanation: Sendable {
    /// The text for people, a line for each call and for what is not counted.
    public private(set) var lines: [String] = []
    private var calls = 0
    private var repeats = 0
    private var omissions = 0
    private var seen: Set<UInt64> = []

    /// Why a file cannot be explained.
    public struct Failure: Error, Equatable {
        /// A sentence without a full stop.
        public let message: String
    }

    /// The names by which agents can be asked for.
    public static var agents: [String] { Agent.allCases.map(\.key) }

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - name: The agent, by the key of its section in the configuration.
    ///   - environment: Says where the agent keeps its other files.
    /// - Throws: ``Failure`` when the agent is not known, or the file is not there or is none of the agent's.
    public init(agent name: String, path: String, environment: [String: String]) throws(Failure) {
        guard let agent = Agent.allCases.first(where: { $0.key == name.replacing("-", with: "_") }) else {
            throw Failure(
                message: "\(name) is no agent whose store is read; there are \(Self.agents.joined(separator: ", "))"
            )
        }
        let file = try Self.file(path, of: agent)
        var walk = FolderWalk()
        let context = ReaderContext(
            projects: ProjectNames(files: LocalFolders(), home: environment["HOME"]),
            lineages: Lineages(),
            histories: ThreadHistories()
        )
        let roots = SessionFolders(AgentSessionsConfig(), environment: environment).roots(&walk)
        // A fork of Codex is recognised by its parent's file.
        for root in roots where agent == .codex && root.agent == agent {
            for other in walk.files(below: root) { context.histories.add(other) }
        }
        do throws(FileStream.Failure) {
            switch agent.store.reader(file, nil, context) {
            case .lines(let reader): try read(file, reader)
            case .pieces(let reader): try read(reader)
            }
        } catch {
            throw Failure(message: "\(path) cannot be read: \(error.message)")
        }
        lines.append("\(calls) calls, \(repeats) repeated lines of them, \(omissions) not counted")
    }

    private static func file(_ path: String, of agent: Agent) throws(Failure) -> FoundFile {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Failure(message: "\(path): \(String(cString: strerror(errno)))")
        }
        let store = agent.store
        let folder = store.folders.map(\.name).first { !$0.isEmpty && path.contains("/" + $0 + "/") }
        let root = folder.flatMap { name in
            path.firstRange(of: "/" + name + "/").map { path[..<$0.upperBound].dropLast() }
        }
        let rootLength = (root ?? path[..<(path.lastIndex(of: "/") ?? path.startIndex)]).utf8.count
        var file = FoundFile(
            agent: agent,
            path: path,
            rootLength: rootLength,
            identity: FileIdentity(status),
            size: Int64(status.st_size),
            modified: Int64(OwnFile.modificationTime(status).tv_sec) &* 1_000_000_000,
            isArchived: false,
            service: store.service(path)
        )
        guard let layout = store.layout(file.relative) else {
            throw Failure(message: "\(path) is no file of \(agent.title), by its name")
        }
        file.layout = layout
        return file
    }

    private mutating func read(_ file: FoundFile, _ reader: any SessionReader) throws(FileStream.Failure) {
        let stream = try FileStream(file)
        let buffer = LineBuffer()
        var sink = RecordSink(listing: true)
        while true {
            switch buffer.next() {
            case .line(let line): read(line, "line \(buffer.lineCount)", reader, &sink)
            case .omitted: omit("line \(buffer.lineCount)", "the line is too long")
            case .more:
                let count = try buffer.fill { target throws(FileStream.Failure) in try stream.read(into: target) }
                guard count == 0 else { continue }
                if let rest = buffer.rest {
                    read(rest, "line \(buffer.lineCount + 1), which has no end yet", reader, &sink)
                }
                return
            }
        }
    }

    private mutating func read(
        _ line: LineBytes,
        _ place: String,
        _ reader: any SessionReader,
        _ sink: inout RecordSink
    ) {
        var faults: [LineFault] = []
        _ = line.forEachObject { object throws(LineFault) in
            try reader.read(object, into: &sink)
        } fault: { fault in
            faults.append(fault)
            return true
        }
        // What is held back for the next line is shown with its own.
        reader.flush(into: &sink)
        for finding in sink.takeFindings() { add(finding, place) }
        for fault in faults { omit(place, fault.message) }
        if let type = sink.takeUnknownType() { omit(place, "lines of the type \(type) are not known") }
    }

    private mutating func read(_ reader: any PieceReader) throws(FileStream.Failure) {
        var sink = RecordSink(listing: true)
        while true {
            let outcome = try reader.read(into: &sink)
            for finding in sink.takeFindings() { add(finding, nil) }
            for (fault, part) in sink.takeFaults() { omit(part.map { "part \($0)" }, fault.message) }
            if outcome == .changed { omit(nil, "the agent writes the file now") }
            guard outcome == .more else { return }
        }
    }

    private mutating func add(_ finding: RecordSink.Finding, _ place: String?) {
        switch finding {
        case .facts: return
        case .omitted(let reason): omit(place, reason)
        case .call(let call):
            let isNew = call.identity == 0 || seen.insert(call.identity).inserted
            if isNew { calls += 1 } else { repeats += 1 }
            lines.append(
                (place.map { $0 + ": " } ?? "") + Self.text(call) + (isNew ? "" : " (the call of a line above)")
            )
        }
    }

    private mutating func omit(_ place: String?, _ reason: String) {
        omissions += 1
        lines.append((place.map { $0 + ": " } ?? "") + "not counted: " + reason)
    }

    private static func text(_ call: CallRecord) -> String {
        let uncached = max(0, call.input - call.cacheRead - call.cacheWrite)
        var parts = [
            call.time.iso8601, call.model ?? "no model", "input \(uncached)", "cache read \(call.cacheRead)",
            "cache write \(call.cacheWrite)", "output \(call.output)",
        ]
        if call.reasoning > 0 { parts.append("of it reasoning \(call.reasoning)") }
        if let cost = call.cost, cost > 0 { parts.append("reported cost $\(cost)") }
        parts.append("session \(call.session)")
        if call.isFork { parts.append("copied by a fork") }
        if call.sum != nil { parts.append("a sum of calls, which counts where none of them is known") }
        let names = [call.request, call.response, call.key, call.ownLineage, call.lineage].compactMap(\.self)
        parts.append(names.isEmpty ? "without an id" : "known by \(names.joined(separator: " or "))")
        return parts.joined(separator: ", ")
    }
}
