// SPDX-License-Identifier: Apache-2.0

/// A receiver that reads session files of agents on this machine, periodically or on request.
public protocol SessionScanner: Sendable {
    /// Reads what is new and returns once every pipeline has taken it.
    ///
    /// May be called from many tasks at once; a call during a scan waits for the same scan.
    /// - Parameter progress: Called from time to time with the progress; may be nil.
    /// - Throws: ``ConsumeError`` when a pipeline refuses what was read; the next scan begins again from there.
    func scan(progress: (@Sendable (ScanProgress) -> Void)?) async throws(ConsumeError) -> ScanReport
    /// What could not be read or explained in the files at the last scan; nil when nothing is known.
    ///
    /// Also available before the start, from what an earlier run has saved. Everything else in the report is zero.
    var standingFaults: ScanReport? { get }
}

/// The progress of a scan.
public struct ScanProgress: Sendable, Hashable {
    /// Files looked at so far.
    public var files = 0
    /// The total number of files.
    public var totalFiles = 0
    /// Bytes read so far.
    public var bytes: Int64 = 0
    /// The number of bytes to read, as far as it is known in advance.
    public var totalBytes: Int64 = 0
    /// Calls found so far.
    public var calls = 0

    /// Creates the progress at the beginning.
    public init() {}
}

/// The result of a scan.
public struct ScanReport: Sendable, Hashable {
    /// Files read.
    public var scanned = 0
    /// Calls in the files; copies in several files count as one.
    public var calls = 0
    /// Those of them that were new to the store; all when there is no store.
    public var ingested = 0
    /// Files that had not changed.
    public var skipped = 0
    /// How many files of each agent's store there are, read now or before, by the agent's key in the configuration.
    public var files: [String: Int] = [:]
    /// Files that could not be read.
    public var unreadable = 0
    /// Lines that could not be read.
    public var skippedLines = 0
    /// Tokens by which an agent's own running totals exceed the calls in its files; they are not counted.
    public var unexplainedTokens: Int64 = 0
    /// How long it took, in milliseconds.
    public var durationMilliseconds: Int64 = 0
    /// What could not be read, at most ``problemLimit`` of it.
    public private(set) var problems: [ScanProblem] = []

    /// Lines of unknown types, by type: they were skipped, although a newer agent may use them for calls.
    public private(set) var unknownLines: [String: UnknownLines] = [:]

    /// How many unknown types are named; further ones are counted together under `…`.
    public static let unknownTypeLimit = 50

    /// How many problems are named.
    public static let problemLimit = 100

    /// Creates an empty report.
    public init() {}

    /// Records a file or a line that could not be read.
    public mutating func note(_ problem: ScanProblem) {
        if problem.line == nil { unreadable += 1 } else { skippedLines += 1 }
        if problems.count < Self.problemLimit { problems.append(problem) }
    }

    /// Records lines of an unknown type.
    public mutating func note(unknownType type: String, _ lines: UnknownLines) {
        let isNamed = unknownLines[type] != nil || unknownLines.count < Self.unknownTypeLimit
        unknownLines[isNamed ? type : UnknownLines.otherTypes, default: UnknownLines(count: 0, first: lines.first)]
            .count += lines.count
    }

    /// The number of problems that are counted and not named.
    public var unnamedProblems: Int { max(0, unreadable + skippedLines - problems.count) }

    /// Adds the report of another part of the scan, except its duration.
    public mutating func add(_ other: ScanReport) {
        scanned += other.scanned
        files.merge(other.files) { $0 + $1 }
        calls += other.calls
        ingested += other.ingested
        skipped += other.skipped
        unreadable += other.unreadable
        skippedLines += other.skippedLines
        unexplainedTokens += other.unexplainedTokens
        for (type, lines) in other.unknownLines { note(unknownType: type, lines) }
        problems += other.problems.prefix(Self.problemLimit - min(Self.problemLimit, problems.count))
    }
}

/// Lines of an unknown type.
public struct UnknownLines: Sendable, Hashable {
    /// The number of lines.
    public var count: Int
    /// The first of them, as `path:line`.
    public var first: String

    /// The name for all types that are not named.
    public static let otherTypes = "…"

    /// Creates a count.
    public init(count: Int = 1, first: String) {
        self.count = count
        self.first = first
    }
}

/// A file or line that could not be read; the text is free of the file's content.
public struct ScanProblem: Sendable, Hashable, CustomStringConvertible {
    /// The file.
    public var path: String
    /// The line, counted from 1 when reading began at the file's start; nil for the file as a whole.
    public var line: Int?
    /// What is wrong.
    public var message: String

    /// Creates a problem.
    public init(path: String, line: Int?, message: String) {
        self.path = path
        self.line = line
        self.message = message
    }

    /// `path:line: message`.
    public var description: String { line.map { "\(path):\($0): \(message)" } ?? "\(path): \(message)" }
}
