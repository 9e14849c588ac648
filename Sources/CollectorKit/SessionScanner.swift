// SPDX-License-Identifier: Apache-2.0

/// A receiver that reads what agents keep on this machine, by itself or when asked.
public protocol SessionScanner: Sendable {
    /// Reads what is new and returns once every pipeline has it.
    ///
    /// May be called from many tasks at once; a scan that is asked for while one is under way is that one.
    /// - Parameter progress: Is told from time to time how far the scan is; nil when nobody looks.
    /// - Throws: ``ConsumeError`` when a pipeline does not take what was read; the next scan begins again from there.
    func scan(progress: (@Sendable (ScanProgress) -> Void)?) async throws(ConsumeError) -> ScanReport
    /// What of the files as they were last looked at could not be read or explained; nil when nothing is known of them.
    ///
    /// Also known before the start, from what an earlier run has remembered. Everything else in the report is zero.
    var standingFaults: ScanReport? { get }
}

/// How far a scan is.
public struct ScanProgress: Sendable, Hashable {
    /// Files looked at so far.
    public var files = 0
    /// Files there are.
    public var totalFiles = 0
    /// Bytes read so far.
    public var bytes: Int64 = 0
    /// Bytes to be read, as far as that is known before.
    public var totalBytes: Int64 = 0
    /// Calls found so far.
    public var calls = 0

    /// Creates the beginning.
    public init() {}
}

/// What a scan did.
public struct ScanReport: Sendable, Hashable {
    /// Files read.
    public var scanned = 0
    /// Calls that stand in what was read, copies in several places taken for one.
    public var calls = 0
    /// Those of them that the store did not know; where no store takes them, all.
    public var ingested = 0
    /// Files that had not changed.
    public var skipped = 0
    /// How many files of each agent's store there are, read now or before, by the agent's key in the configuration.
    public var files: [String: Int] = [:]
    /// Files that could not be read.
    public var unreadable = 0
    /// Lines that could not be read.
    public var skippedLines = 0
    /// Tokens by which an agent's own running totals exceed the calls its files tell of; they are not counted.
    public var unexplainedTokens: Int64 = 0
    /// How long it took, in milliseconds.
    public var durationMilliseconds: Int64 = 0
    /// What could not be read, at most ``problemLimit`` of it.
    public private(set) var problems: [ScanProblem] = []

    /// Lines of types that nobody has told us of, by type: they were skipped, and a newer agent may mean something by them.
    public private(set) var unknownLines: [String: UnknownLines] = [:]

    /// How many unknown types are named; those beyond are counted together under `…`.
    public static let unknownTypeLimit = 50

    /// How many problems are named.
    public static let problemLimit = 100

    /// Creates the report of a scan that did nothing.
    public init() {}

    /// Notes a file that could not be read, or a line of it that could not.
    public mutating func note(_ problem: ScanProblem) {
        if problem.line == nil { unreadable += 1 } else { skippedLines += 1 }
        if problems.count < Self.problemLimit { problems.append(problem) }
    }

    /// Notes lines of a type that nobody has told us of.
    public mutating func note(unknownType type: String, _ lines: UnknownLines) {
        let isNamed = unknownLines[type] != nil || unknownLines.count < Self.unknownTypeLimit
        unknownLines[isNamed ? type : UnknownLines.otherTypes, default: UnknownLines(count: 0, first: lines.first)]
            .count += lines.count
    }

    /// Problems that are counted and not named.
    public var unnamedProblems: Int { max(0, unreadable + skippedLines - problems.count) }

    /// Adds what another part of the scan did, its duration left out.
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

/// Lines of a type that nobody has told us of.
public struct UnknownLines: Sendable, Hashable {
    /// How many there are.
    public var count: Int
    /// Where the first of them stands, as `path:line`.
    public var first: String

    /// What types beyond those that are named are counted under.
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
    /// The line, counted from 1 where the reading began at the file's start; nil when it is the file as a whole.
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
