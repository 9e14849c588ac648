// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// What a pass does with one file.
extension ScanPass {
    func openFile(_ file: FoundFile, _ step: inout Step) {
        progress.files += 1
        do throws(FileStream.Failure) {
            let stream = try FileStream(file)
            let mark = known[file.key].flatMap { goesOn($0, file, stream) ? $0 : nil }
            if mark == nil, options.skipsUnknown, known[file.key] == nil {
                step.marks[file.key] = markAtEnd(file, stream)
                return
            }
            if let mark { try stream.seek(to: mark.offset) }
            buffer.reset(offset: mark?.offset ?? 0, isInsideLine: mark?.isInsideLine ?? false)
            open = OpenFile(
                file: file,
                stream: stream,
                reader: reader(for: file, mark?.state),
                head: stream.head(length: FileHead.longest),
                linesBefore: mark?.lines ?? 0
            )
            report.scanned += 1
        } catch {
            report.note(ScanProblem(path: file.path, line: nil, message: "the file cannot be read: \(error.message)"))
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
            state: reader(for: file, nil).state
        )
    }

    private func reader(for file: FoundFile, _ state: ReaderState?) -> any SessionReader {
        let place = SessionPlace(file)
        switch (file.agent, state) {
        case (.claudeCode, .transcript(let state)):
            return TranscriptReader(state, place: place, projects: projects)
        case (.claudeCode, _):
            return TranscriptReader(TranscriptState(), place: place, projects: projects)
        case (.codex, .rollout(let state)):
            return RolloutReader(state, place: place, projects: projects, lineages: lineages)
        case (.codex, _):
            return RolloutReader(RolloutState(), place: place, projects: projects, lineages: lineages)
        }
    }

    /// Reads on in the open file until the sink is full, enough was read or the file ends.
    func readOn(into sink: inout RecordSink, until limit: Int64, _ step: inout Step) {
        guard let current = open else { return }
        do throws(FileStream.Failure) {
            var lastLine: LineBytes?
            while !sink.isFull {
                switch buffer.next() {
                case .line(let line):
                    read(line, of: current, into: &sink)
                    lastLine = line
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
            report.note(
                ScanProblem(path: current.file.path, line: nil, message: "the file cannot be read: \(error.message)")
            )
            // What is broken in a compressed file stays broken; a disk may recover.
            end(current, isWhole: current.file.isCompressed, into: &sink, &step)
        }
    }

    private func read(_ line: LineBytes, of current: OpenFile, into sink: inout RecordSink) {
        do throws(LineFault) {
            try current.reader.read(line, into: &sink)
        } catch {
            note(error, of: current)
        }
    }

    private func note(_ fault: LineFault, of current: OpenFile) {
        let line = Int(clamping: current.linesBefore) + buffer.lineCount
        report.note(ScanProblem(path: current.file.path, line: line, message: fault.message))
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
    /// If it is whole, it is told now, by a reader of its own; it is read once more when its end has come.
    private func readRest(_ current: OpenFile, into sink: inout RecordSink) {
        guard let rest = buffer.rest else { return }
        let reader = reader(for: current.file, current.reader.state)
        do throws(LineFault) {
            try reader.read(rest, into: &sink)
            reader.flush(into: &sink)
        } catch {}
    }

    private func mark(of current: OpenFile, isWhole: Bool) -> FileMark {
        FileMark(
            identity: current.stream.identity,
            size: isWhole ? current.file.size : -1,
            modified: current.file.modified,
            offset: buffer.offset,
            lines: current.linesBefore + Int64(buffer.lineCount),
            isInsideLine: buffer.isInsideLine,
            head: current.head,
            state: current.reader.state
        )
    }
}
