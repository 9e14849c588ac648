// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSON
import Usage

/// One way through all session files, cut into steps that each give a request of bounded size.
///
/// Nothing here waits for anything but the disk. The marks of a step may be remembered once its request was taken in.
final class ScanPass {
    private let options: Options
    private let buffer: LineBuffer
    private let projects: ProjectNames
    private let lineages = Lineages()
    private let histories = ThreadHistories()
    private let seen = SeenCalls()
    private var files: ArraySlice<FoundFile> = []
    private var known: [String: FileMark]
    private var open: OpenFile?
    private var openStore: OpenStore?
    private var report = ScanReport()
    private var progress = ScanProgress()
    /// What cannot be opened now.
    private var unreadable = UnreadableFiles()
    /// How many more faults may be named of all files.
    private var faultsLeft = FileFaults.limitOfAll
    /// Marks of files that were only moved.
    private var moved: [String: FileMark] = [:]

    /// What does not change from pass to pass.
    struct Options: Sendable {
        var folders: SessionFolders
        var machine: String?
        var home: String?
        /// Whether files that are not known yet are only marked as read.
        var skipsUnknown = false
        var largestLine = 8 << 20
    }

    /// A step of a pass.
    struct Step: Sendable {
        /// A request to be handed on, with the number of its records; nil when there is nothing to hand on yet.
        var request: [UInt8]?
        var recordCount = 0
        /// How far files were read.
        var marks: [String: FileMark] = [:]
        var progress = ScanProgress()
        /// What was done since the step before.
        var report = ScanReport()
        /// What cannot be opened now; nil as long as there are files to be tried.
        var unreadable: UnreadableFiles?
        var isLast: Bool { unreadable != nil }
    }

    /// As many bytes are read in one step at most.
    private static let stepSize: Int64 = 256 << 20

    init(_ options: Options, known: [String: FileMark]) {
        self.options = options
        self.known = known
        buffer = LineBuffer(largestLine: options.largestLine)
        projects = ProjectNames(files: LocalFolders(), home: options.home)
    }

    /// Takes over what earlier scans have found of all files together; of use only where there is something to be read.
    private func recall() {
        for mark in known.values {
            if case .rollout(let state) = mark.state { lineages.add(state) }
            if let faults = mark.faults { faultsLeft -= faults.nameCount }
        }
    }

    /// Looks which files there are; to be called once, before the first step.
    ///
    /// - Returns: The keys of known files that are there no more.
    func begin() -> [String] {
        var walk = FolderWalk()
        var best: [String: FoundFile] = [:]
        best.reserveCapacity(known.count)
        for root in options.folders.roots(&walk) {
            for file in walk.files(below: root) {
                let key = file.key
                if let other = best[key], (other.rank, other.path) < (file.rank, file.path) { continue }
                best[key] = file
            }
        }
        for problem in walk.problems { note(problem) }
        var changed: [FoundFile] = []
        var familiar = 0
        for (key, file) in best {
            // Nothing of a mark is copied: almost all files are unchanged almost always.
            let place = known.index(forKey: key)
            if place != nil { familiar += 1 }
            guard let place, known.values[place].isUnchanged(file) else {
                changed.append(file)
                continue
            }
            report.skipped += 1
            guard let faults = known.values[place].faults, faults.path != file.path else { continue }
            moved[key] = known.values[place]
            moved[key]?.faults?.path = file.path
        }
        if !changed.isEmpty {
            recall()
            for file in best.values { histories.add(file) }
        }
        let places = changed.map { (place: $0.relative, file: $0) }
        // The files of one service follow one another, because a request is of one; a database with calls comes before files with sums of them.
        changed = places.sorted {
            ($0.file.agent.key, $0.file.service, $0.file.layout == .database ? 0 : 1, $0.place, $0.file.path)
                < ($1.file.agent.key, $1.file.service, $1.file.layout == .database ? 0 : 1, $1.place, $1.file.path)
        }.map(\.file)
        files = changed[...]
        for file in best.values { report.files[file.agent.key, default: 0] += 1 }
        progress.totalFiles = best.count
        progress.files = best.count - changed.count
        progress.totalBytes = changed.reduce(0) {
            $0 + max(0, $1.size - ($1.isCompressed ? 0 : known[$1.key]?.offset ?? 0))
        }
        return familiar == known.count ? [] : known.keys.filter { best[$0] == nil }
    }

    /// Reads on until a request is full, another agent's files begin or nothing is left.
    func step() -> Step {
        var step = Step()
        swap(&step.marks, &moved)
        guard let service = (open?.file ?? openStore?.file ?? files.first)?.service else { return finish(&step) }
        var sink = RecordSink(service: service, machine: options.machine, seen: seen)
        let limit = progress.bytes + Self.stepSize
        while !sink.isFull, progress.bytes < limit {
            if open == nil, openStore == nil {
                guard let file = files.first, file.service == service else { break }
                files.removeFirst()
                openFile(file, &step)
            }
            if open != nil { readOn(into: &sink, until: limit, &step) }
            if openStore != nil { readStore(into: &sink, &step) }
        }
        report.calls += sink.callCount
        step.recordCount = sink.recordCount
        step.request = sink.isEmpty ? nil : sink.finish()
        return finish(&step)
    }

    private func finish(_ step: inout Step) -> Step {
        step.progress = progress
        step.report = report
        report = ScanReport()
        if open == nil, openStore == nil, files.isEmpty { step.unreadable = unreadable }
        return step
    }

    /// Notes what cannot be opened now.
    private func note(_ problem: ScanProblem) {
        report.note(problem)
        unreadable.note(problem)
    }
}

// MARK: - File

/// The file that is being read.
final class OpenFile {
    let file: FoundFile
    let stream: FileStream
    let reader: any SessionReader
    /// The hash of the first bytes, as far as it was known before.
    let head: FileHead?
    /// How many lines earlier scans have read.
    let linesBefore: Int64
    var faults: FileFaults

    init(_ file: FoundFile, _ stream: FileStream, _ reader: any SessionReader, head: FileHead?, after mark: FileMark?) {
        (self.file, self.stream, self.reader, self.head) = (file, stream, reader, head)
        linesBefore = mark?.lines ?? 0
        faults = mark?.faults ?? FileFaults(path: file.path)
        faults.path = file.path
    }
}

/// The document or database that is being read.
struct OpenStore {
    let file: FoundFile
    let reader: any PieceReader
    var faults: FileFaults
}

/// What a pass does with one file.
extension ScanPass {
    private func openFile(_ file: FoundFile, _ step: inout Step) {
        progress.files += 1
        guard file.layout == .lines else { return openStore(file, &step) }
        do throws(FileStream.Failure) {
            let stream = try FileStream(file)
            let mark = known[file.key].flatMap { goesOn($0, file, stream) ? $0 : nil }
            if mark == nil, options.skipsUnknown, known[file.key] == nil {
                step.marks[file.key] = markAtEnd(file, stream)
                return
            }
            if let mark { try stream.seek(to: mark.offset) }
            buffer.reset(offset: mark?.offset ?? 0, isInsideLine: mark?.isInsideLine ?? false)
            guard let reader = lineReader(for: file, mark?.state) else { return }
            open = OpenFile(
                file,
                stream,
                reader,
                head: mark.map { $0.head.isWhole ? $0.head : stream.head(length: FileHead.longest) },
                after: mark
            )
            report.scanned += 1
        } catch {
            note(ScanProblem(path: file.path, line: nil, message: "the file cannot be read: \(error.message)"))
        }
    }

    /// Whether a file has only grown since it was marked.
    private func goesOn(_ mark: FileMark, _ file: FoundFile, _ stream: FileStream) -> Bool {
        !file.isCompressed && mark.identity == stream.identity && mark.offset > 0 && mark.offset <= file.size
            && mark.head.length > 0 && stream.head(length: Int(mark.head.length)) == mark.head
    }

    private func markAtEnd(_ file: FoundFile, _ stream: FileStream) -> FileMark {
        FileMark(
            identity: file.identity,
            size: file.size,
            modified: file.modified,
            offset: file.size,
            isInsideLine: !stream.endsLine(at: file.size),
            head: stream.head(length: FileHead.longest),
            state: lineReader(for: file, nil)?.state ?? .store(StoreState())
        )
    }

    private var context: ReaderContext {
        ReaderContext(projects: projects, lineages: lineages, histories: histories)
    }

    private func lineReader(for file: FoundFile, _ state: ReaderState?) -> (any SessionReader)? {
        guard case .lines(let reader) = file.agent.store.reader(file, state, context) else { return nil }
        return reader
    }

    /// Reads on in the open file until the sink is full, enough was read or the file ends.
    private func readOn(into sink: inout RecordSink, until limit: Int64, _ step: inout Step) {
        guard let current = open else { return }
        do throws(FileStream.Failure) {
            var lastLine: LineBytes?
            while !sink.isFull {
                switch buffer.next() {
                case .line(let line):
                    lastLine = read(line, of: current, into: &sink)
                case .omitted(.tooLong): note(LineFault("the line is too long"), of: current)
                case .omitted(.entered): break
                case .more:
                    if let line = lastLine { current.reader.noteEnd(line) }
                    lastLine = nil
                    let count = try buffer.fill { target throws(FileStream.Failure) in
                        try current.stream.read(into: target)
                    }
                    progress.bytes += Int64(count)
                    if count == 0 { return end(current, isWhole: true, into: &sink, &step) }
                    if progress.bytes >= limit { return pause(current, into: &sink, &step) }
                }
            }
            pause(current, into: &sink, &step)
        } catch {
            let message = "the file cannot be read: \(error.message)"
            let problem = ScanProblem(path: current.file.path, line: nil, message: message)
            // What is broken in a compressed file stays broken; a disk may recover.
            let isFinal = current.file.isCompressed
            if isFinal {
                report.note(problem)
                current.faults.note(message, line: nil, left: &faultsLeft)
            } else {
                note(problem)
            }
            end(current, isWhole: isFinal, into: &sink, &step)
        }
    }

    /// Reads a line, which holds more than one object where a line feed was lost.
    ///
    /// - Returns: The last of them.
    private func read(_ line: LineBytes, of current: OpenFile, into sink: inout RecordSink) -> LineBytes {
        line.forEachObject { object throws(LineFault) in
            defer { if let type = sink.takeUnknownType() { note(unknownType: type, of: current) } }
            try current.reader.read(object, into: &sink)
        } fault: { error in
            note(error, of: current)
            return true
        }
    }

    private func note(_ fault: LineFault, of current: OpenFile) {
        let line = current.linesBefore + Int64(buffer.lineCount)
        report.note(ScanProblem(path: current.file.path, line: Int(clamping: line), message: fault.message))
        current.faults.note(fault.message, line: line, left: &faultsLeft)
    }

    private func note(unknownType type: String, of current: OpenFile) {
        let line = current.linesBefore + Int64(buffer.lineCount)
        report.note(unknownType: type, UnknownLines(first: "\(current.file.path):\(line)"))
        current.faults.note(unknownType: type, line: line, left: &faultsLeft)
    }

    /// The request is full: the next step goes on here.
    private func pause(_ current: OpenFile, into sink: inout RecordSink, _ step: inout Step) {
        current.reader.flush(into: &sink)
        step.marks[current.file.key] = mark(of: current, isWhole: false)
    }

    private func end(_ current: OpenFile, isWhole: Bool, into sink: inout RecordSink, _ step: inout Step) {
        current.reader.flush(into: &sink)
        step.marks[current.file.key] = mark(of: current, isWhole: isWhole)
        readRest(current, into: &sink)
        open = nil
    }

    /// The last line may lack its end because it is still being written, or for good.
    ///
    /// If it is whole, it is reported now, by a reader of its own; it is read once more when its end has come.
    private func readRest(_ current: OpenFile, into sink: inout RecordSink) {
        guard let rest = buffer.rest else { return }
        guard let reader = lineReader(for: current.file, current.reader.state) else { return }
        _ = rest.forEachObject { object throws(LineFault) in
            try reader.read(object, into: &sink)
        } fault: { _ in
            // What is no whole object yet may become one.
            false
        }
        reader.flush(into: &sink)
        // It is reported when the line's end has come.
        _ = sink.takeUnknownType()
    }

    private func mark(of current: OpenFile, isWhole: Bool) -> FileMark {
        FileMark(
            identity: current.stream.identity,
            size: isWhole ? current.file.size : -1,
            modified: current.file.modified,
            offset: buffer.offset,
            lines: current.linesBefore + Int64(buffer.lineCount),
            isInsideLine: buffer.isInsideLine,
            head: current.head ?? current.stream.beginning ?? FileHead(),
            state: current.reader.state,
            faults: current.faults.isEmpty ? nil : current.faults
        )
    }
}

// MARK: - Documents and databases

extension ScanPass {
    private func openStore(_ file: FoundFile, _ step: inout Step) {
        let mark = known[file.key]
        if mark == nil, options.skipsUnknown {
            var state = StoreState()
            state.begin = max(1, file.modified)
            step.marks[file.key] = storeMark(file, state, isWhole: true)
            return
        }
        var state: StoreState?
        if case .store(let known)? = mark?.state { state = known }
        // Another database in the place of a known one is read from its beginning.
        if mark?.identity != file.identity { state?.cursor = 0 }
        guard case .pieces(let reader) = file.agent.store.reader(file, state.map(ReaderState.store), context) else {
            return
        }
        openStore = OpenStore(file: file, reader: reader, faults: FileFaults(path: file.path))
        report.scanned += 1
    }

    /// Reads on in the open document or database until the sink is full or nothing is left.
    private func readStore(into sink: inout RecordSink, _ step: inout Step) {
        guard var current = openStore else { return }
        var outcome = PieceOutcome.done
        do throws(FileStream.Failure) {
            outcome = try current.reader.read(into: &sink)
            for (fault, part) in sink.takeFaults() {
                report.note(
                    ScanProblem(path: current.file.path, line: part.map { Int(clamping: $0) }, message: fault.message)
                )
                current.faults.note(fault.message, line: part, left: &faultsLeft)
            }
            step.marks[current.file.key] = storeMark(
                current.file,
                current.reader.state,
                isWhole: outcome == .done,
                current.faults.isEmpty ? nil : current.faults
            )
        } catch {
            _ = sink.takeFaults()
            note(ScanProblem(path: current.file.path, line: nil, message: "the file cannot be read: \(error.message)"))
        }
        openStore = outcome == .more ? current : nil
        if outcome != .more { progress.bytes += current.file.size }
    }

    private func storeMark(
        _ file: FoundFile,
        _ state: StoreState,
        isWhole: Bool,
        _ faults: FileFaults? = nil
    ) -> FileMark {
        FileMark(
            identity: file.identity,
            size: isWhole ? file.size : -1,
            modified: file.modified,
            offset: 0,
            state: .store(state),
            faults: faults
        )
    }
}
