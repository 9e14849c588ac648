// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// What of a session file could not be read, or is of a type that this version does not know.
///
/// It is kept with the file's mark, so that every scan and command reports it until the file changes or is removed.
struct FileFaults: Equatable {
    /// Where the file is.
    var path: String
    /// The first faults.
    private(set) var named: [Named] = []
    /// The first lines of unknown types.
    private(set) var unknownTypes: [UnknownType] = []
    /// Lines that could not be read, named or not.
    private(set) var skippedLines: Int64 = 0

    /// A fault of a line, or of the file as a whole.
    struct Named: Equatable {
        var line: Int64?
        var rule: String
    }

    /// Lines of an unknown type.
    struct UnknownType: Equatable {
        var type: String
        var count: Int64
        /// The first of them.
        var line: Int64
    }

    /// How many faults, and how many unknown types, are named of one file.
    static let limit = 10
    /// How many are named of all files together.
    static let limitOfAll = 1_000

    init(path: String) { self.path = path }

    var isEmpty: Bool { named.isEmpty && unknownTypes.isEmpty && skippedLines == 0 }

    /// How many names are kept.
    var nameCount: Int { named.count + unknownTypes.count }

    /// Notes a fault.
    ///
    /// - Parameters:
    ///   - line: The line; nil for the file as a whole.
    ///   - left: How many more names may be kept of all files.
    mutating func note(_ rule: String, line: Int64?, left: inout Int) {
        if line != nil { skippedLines += 1 }
        guard named.count < Self.limit, left > 0 else { return }
        left -= 1
        named.append(Named(line: line, rule: rule))
    }

    /// Notes a line of an unknown type; lines of types beyond the limit are counted together.
    mutating func note(unknownType type: String, line: Int64, left: inout Int) {
        let isFull = unknownTypes.count >= Self.limit || left <= 0
        if let known = unknownTypes.firstIndex(where: {
            $0.type == type || (isFull && $0.type == UnknownLines.otherTypes)
        }
        ) {
            unknownTypes[known].count += 1
            return
        }
        left -= 1
        unknownTypes.append(UnknownType(type: isFull ? UnknownLines.otherTypes : type, count: 1, line: line))
    }

    /// Adds what is known to a report.
    func add(to report: inout ScanReport) {
        for fault in named { report.note(ScanProblem(path: path, line: fault.line.map(Int.init), message: fault.rule)) }
        report.skippedLines += Int(skippedLines) - named.count { $0.line != nil }
        for unknownType in unknownTypes {
            report.note(
                unknownType: unknownType.type,
                UnknownLines(count: Int(unknownType.count), first: "\(path):\(unknownType.line)")
            )
        }
    }
}

/// The files and folders that the last scan could not open; each scan tries them again.
struct UnreadableFiles: Equatable, Sendable {
    /// The first of them.
    private(set) var named: [ScanProblem] = []
    /// All of them.
    private(set) var count: Int64 = 0

    mutating func note(_ problem: ScanProblem) {
        count += 1
        if named.count < ScanReport.problemLimit { named.append(problem) }
    }

    /// Adds what is known to a report.
    func add(to report: inout ScanReport) {
        for problem in named { report.note(problem) }
        report.unreadable += Int(count) - named.count
    }
}

extension Checkpoint {
    /// What of the files could not be read or explained, and nothing else.
    var faults: ScanReport {
        var report = ScanReport()
        unreadable.add(to: &report)
        report.unexplainedTokens = unexplainedTokens
        for faults in marks.values.compactMap(\.faults).sorted(by: { $0.path < $1.path }) { faults.add(to: &report) }
        return report
    }
}

// MARK: - Coding

extension StateEncoder {
    mutating func faults(_ faults: FileFaults?) {
        guard let faults else { return number(0) }
        number(1)
        text(faults.path)
        number(faults.skippedLines)
        number(Int64(faults.named.count))
        for fault in faults.named {
            number(fault.line ?? 0)
            text(fault.rule)
        }
        number(Int64(faults.unknownTypes.count))
        for unknownType in faults.unknownTypes {
            text(unknownType.type)
            number(unknownType.count)
            number(unknownType.line)
        }
    }

    mutating func unreadable(_ files: UnreadableFiles) {
        number(files.count)
        number(Int64(files.named.count))
        for problem in files.named {
            text(problem.path)
            text(problem.message)
        }
    }
}

extension StateDecoder {
    mutating func faults() -> FileFaults? {
        guard number() == 1 else { return nil }
        return FileFaults(&self)
    }

    mutating func unreadable() -> UnreadableFiles { UnreadableFiles(&self) }
}

extension FileFaults {
    fileprivate init(_ decoder: inout StateDecoder) {
        self.init(path: decoder.text())
        skippedLines = decoder.number()
        for _ in 0..<max(0, min(decoder.number(), Int64(Self.limit))) {
            let line = decoder.number()
            named.append(Named(line: line > 0 ? line : nil, rule: decoder.text()))
        }
        for _ in 0..<max(0, min(decoder.number(), Int64(Self.limit + 1))) {
            unknownTypes.append(UnknownType(type: decoder.text(), count: decoder.number(), line: decoder.number()))
        }
    }
}

extension UnreadableFiles {
    fileprivate init(_ decoder: inout StateDecoder) {
        count = decoder.number()
        for _ in 0..<max(0, min(decoder.number(), Int64(ScanReport.problemLimit))) {
            named.append(ScanProblem(path: decoder.text(), line: nil, message: decoder.text()))
        }
    }
}
