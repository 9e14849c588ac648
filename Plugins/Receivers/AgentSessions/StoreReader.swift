// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// What a reader remembers of a file between scans: what is known of its session, and how far it was read.
struct StoreState: Equatable {
    var session: String?
    /// The session that started this one.
    var parent: String?
    var project: String?
    var branch: String?
    var version: String?
    var title: String?
    /// The model of the calls that follow.
    var model: String?
    /// A text whose meaning is the agent's own.
    var note: String?
    /// The newest time of any part, and the newest that was reported.
    var lastSeen: Int64 = 0
    var lastReported: Int64 = 0
    /// How far a database was read, in its own measure; of a fork's lines, when the fork was made.
    var cursor: Int64 = 0
    /// How many calls were counted of a file whose calls have no ids.
    var count: Int64 = 0
    /// Calls before this time are left out, because reading began at the end; 0 for none.
    var begin: Int64 = 0

    /// Takes in the time of a part.
    mutating func note(time: Timestamp?) {
        if let time { lastSeen = max(lastSeen, time.nanoseconds) }
    }

    /// The facts of the session, when there are any that were not reported; they count as reported then.
    mutating func newFacts() -> SessionFacts? {
        guard let session, lastSeen > lastReported else { return nil }
        lastReported = lastSeen
        return SessionFacts(
            session: session,
            time: Timestamp(nanoseconds: lastSeen),
            project: project,
            branch: branch,
            version: version,
            name: title,
            parent: parent
        )
    }
}

/// Reads what an agent wrote, a line or a whole document at a time.
///
/// A value that knows nothing of files: bytes and a state go in, calls and facts come out, so that it can be tested alone.
protocol StoreParser {
    /// Reads a text, which is one JSON value.
    ///
    /// - Throws: ``LineFault`` when it cannot be read; what was found before it in a document is in the sink.
    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault)
    /// Hands on what was held back.
    mutating func flush(_ state: inout StoreState, into sink: inout RecordSink)
}

extension StoreParser {
    mutating func flush(_ state: inout StoreState, into sink: inout RecordSink) {}
}

/// Reads the lines of a file by an agent's parser.
final class StoreLineReader: SessionReader {
    private var parser: any StoreParser
    private var facts: StoreState

    init(_ parser: any StoreParser, _ state: ReaderState?) {
        self.parser = parser
        facts = StoreState()
        if case .store(let state)? = state { facts = state }
    }

    var state: ReaderState { .store(facts) }

    func read(_ line: LineBytes, into sink: inout RecordSink) throws(LineFault) {
        guard let line = try line.object() else { return }
        try parser.read(line, &facts, into: &sink)
    }

    func flush(into sink: inout RecordSink) {
        parser.flush(&facts, into: &sink)
        if let facts = facts.newFacts() { sink.add(facts) }
    }

    func noteEnd(_ line: LineBytes) {}
}

/// Reads a file that is no sequence of lines, piece by piece.
protocol PieceReader: AnyObject {
    /// What has to be remembered to go on later.
    var state: StoreState { get }
    /// Reads on until the sink is full or nothing is left.
    ///
    /// - Throws: ``FileStream/Failure`` when the file cannot be read now.
    func read(into sink: inout RecordSink) throws(FileStream.Failure) -> PieceOutcome
}

/// How far a file was read.
enum PieceOutcome {
    /// There is more.
    case more
    /// Everything was read.
    case done
    /// The agent wrote while the file was read: the next scan looks again.
    case changed
}

/// Reads a document: as a whole, because it is written as a whole, and hands on what is in it in pieces.
final class DocumentReader: PieceReader {
    private let file: FoundFile
    private let makeParser: (FoundFile) -> any StoreParser
    private(set) var state: StoreState
    private var findings: ArraySlice<RecordSink.Finding>?

    init(_ file: FoundFile, _ state: ReaderState?, parser: @escaping (FoundFile) -> any StoreParser) {
        (self.file, makeParser) = (file, parser)
        self.state = StoreState()
        // It is read from its beginning, and all that is in it is found again.
        if case .store(let known)? = state { self.state.begin = known.begin }
    }

    func read(into sink: inout RecordSink) throws(FileStream.Failure) -> PieceOutcome {
        if findings == nil {
            let bytes = try DocumentBytes.read(file.path)
            var list = RecordSink(listing: sink.explains)
            Self.parse(bytes, makeParser(file), &state, into: &list)
            for (fault, part) in list.takeFaults() { sink.note(fault, part: part) }
            findings = list.takeFindings()[...]
        }
        while !sink.isFull, let finding = findings?.popFirst() {
            if case .call(let call) = finding, state.begin > 0, call.time.nanoseconds <= state.begin { continue }
            sink.add(finding)
        }
        return findings?.isEmpty ?? true ? .done : .more
    }

    /// Reads a document; a torn one gives what is before the tear, and a fault.
    static func parse(
        _ bytes: [UInt8],
        _ parser: any StoreParser,
        _ state: inout StoreState,
        into sink: inout RecordSink
    ) {
        var parser = parser
        let fault = bytes.withUnsafeBufferPointer { buffer -> LineFault? in
            guard let base = buffer.baseAddress else { return .emptyDocument }
            do throws(LineFault) {
                guard let text = LineBytes(base: base, count: buffer.count).trimmed() else { throw .emptyDocument }
                try parser.read(text, &state, into: &sink)
                return nil
            } catch {
                return error == .cutOff ? .tornDocument : error
            }
        }
        if let fault { sink.note(fault, part: nil) }
        parser.flush(&state, into: &sink)
        if let facts = state.newFacts() { sink.add(facts) }
    }
}

extension LineFault {
    static let emptyDocument = LineFault("the file is empty")
    static let tornDocument = LineFault("the JSON in the file is cut off; it is read again when the file changes")
    static let largeDocument = LineFault("the file is too large")
}

/// The bytes of a document, with long texts cut off where it is large.
enum DocumentBytes {
    /// A document longer than this loses the ends of its long texts while it is read.
    static let longestWhole = 16 << 20
    /// As much of a text is kept then: Cline has the figures of a call at the end of a text that begins with the prompt.
    static let longestText = 256 << 10
    /// As much of a document is held, without the ends of its long texts.
    static let largest = 32 << 20

    /// Reads a document.
    ///
    /// - Throws: ``FileStream/Failure`` when the file cannot be read, or what is left of it is too large.
    static func read(_ path: String) throws(FileStream.Failure) -> [UInt8] {
        let stream = try FileStream(path: path)
        var bytes: [UInt8] = []
        var condenser = LineCondenser(longestText: longestText)
        var end = 0
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: LineBuffer.readSize, alignment: 16)
        defer { piece.deallocate() }
        while true {
            let count = try stream.read(into: piece)
            if count == 0 { return bytes }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[..<count]))
            if bytes.count - end > longestWhole { end = condense(&bytes, from: end, &condenser) }
            guard bytes.count <= largest else { throw FileStream.Failure(LineFault.largeDocument.message) }
        }
    }

    /// What a document holds that lies beside another; nil when it is not there or cannot be read.
    static func neighbour(_ path: String) -> [UInt8]? { try? read(path) }

    /// Cuts off long texts from a place on; returns up to where that is done.
    private static func condense(_ bytes: inout [UInt8], from start: Int, _ condenser: inout LineCondenser) -> Int {
        let (left, again, count) = bytes.withUnsafeMutableBufferPointer { buffer in
            let piece = UnsafeMutableBufferPointer(rebasing: buffer[start...])
            let (left, again) = condenser.condense(piece)
            return (left, again, piece.count)
        }
        bytes.removeSubrange(start + left..<start + count - again)
        return start + left
    }
}

extension LineBytes {
    /// The text without white space around it and a byte order mark in front; nil when nothing is left.
    func trimmed() -> LineBytes? {
        var (start, end) = (0, count)
        if count >= 3, base[0] == 0xEF, base[1] == 0xBB, base[2] == 0xBF { start = 3 }
        while start < end, base[start] <= 32, base[start] > 0 { start += 1 }
        while end > start, base[end - 1] <= 32, base[end - 1] > 0 { end -= 1 }
        return start < end ? LineBytes(base: base + start, count: end - start) : nil
    }
}
