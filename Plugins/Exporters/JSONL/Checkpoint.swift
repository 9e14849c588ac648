// SPDX-License-Identifier: Apache-2.0

import Files
import Usage

/// How far a file was read when a checkpoint was made, and how to know it again.
struct CheckpointPart {
    var name: String
    var offset: Int64
    /// The bytes before the offset, as a checksum.
    var check: UInt64
    var earliest: Timestamp

    /// How much before the offset is compared.
    private static let depth: Int64 = 4_096

    init(_ part: Part) {
        (name, offset, earliest) = (part.name, part.end, part.earliest)
        check = Self.check(part.path, part.end) ?? 0
    }

    init(_ cursor: inout LineCursor) throws(LineError) {
        (name, offset, check, earliest) = ("", 0, 0, Timestamp(nanoseconds: .max))
        try cursor.object { cursor, key throws(LineError) in
            switch key {
            case .name: name = try cursor.text()
            case .offset: offset = try cursor.integer()
            case .check: check = try cursor.hash()
            case .earliestUnixNano: earliest = try cursor.unixNano()
            default: try cursor.skip()
            }
        }
    }

    func write(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        bytes.append("name", text: name)
        bytes.append("offset", number: offset)
        bytes.append("check", hash: check)
        bytes.append("earliestUnixNano", unixNano: earliest)
        bytes.append(UInt8(ascii: "}"))
    }

    /// Whether a file is the one that was meant, or what has become of it by appending.
    func matches(_ path: String) -> Bool { Self.check(path, offset) == check }

    private static func check(_ path: String, _ offset: Int64) -> UInt64? {
        guard offset >= 0, let file = try? ReadableFile(path), file.size >= offset else { return nil }
        let count = min(depth, offset)
        let bytes = file.bytes(at: offset - count, count: Int(count))
        guard bytes.count == Int(count) else { return nil }
        var hash = StableHash(domain: "checkpoint")
        hash.combine(UInt64(offset))
        hash.combine(bytes: bytes.span.bytes)
        return hash.value
    }
}

/// The book as lines of the store's own format, so that what writes and reads them is one thing; a first line says how far which
/// file was read, a last one that nothing is missing.
///
/// It may be made while batches come in: lines after the offsets are read again anyway, and reading one twice changes nothing.
struct Checkpoint {
    private let names: PartNames

    init(_ names: PartNames) {
        self.names = names
    }

    /// Writes what the shelf holds.
    ///
    /// - Returns: The size of the checkpoint.
    @discardableResult
    func write(_ shelf: StoreState) throws(FileError) -> Int64 {
        let (parts, border) = shelf.withLock { contents in
            (contents.parts.order.compactMap { id in contents.parts[id].map { (id, $0) } }, contents.book.border)
        }
        var output = try SealedOutput(of: names.checkpoint)
        output.writer.begin(receivedAt: nil)
        output.writer.bytes.append(key: "checkpoint")
        output.writer.bytes.append(UInt8(ascii: "["))
        for (position, part) in parts.enumerated() {
            if position > 0 { output.writer.bytes.append(UInt8(ascii: ",")) }
            CheckpointPart(part.1).write(to: &output.writer.bytes)
        }
        output.writer.bytes.append(UInt8(ascii: "]"))
        output.writer.write(border)
        output.writer.end()
        try output.flush()
        let places = Dictionary(uniqueKeysWithValues: parts.enumerated().map { ($1.0, (Int32($0), $1.1.end)) })
        var dump = IndexSnapshot(shelf)
        while let (calls, expired) = dump.nextCalls() {
            output.writer.begin(receivedAt: nil)
            output.writer.write(calls: calls, isBrief: true)
            output.writer.write(expired: expired)
            output.writer.end()
            try output.flush()
        }
        while var sessions = dump.nextSessions() {
            for position in sessions.indices {
                sessions[position].lines = sessions[position].lines.compactMap { line in
                    guard let (part, end) = places[line.part], line.offset < end else { return nil }
                    return LineRef(part: part, offset: line.offset, first: line.first)
                }
            }
            output.writer.begin(receivedAt: nil)
            output.writer.write(sessions: sessions)
            output.writer.end()
            try output.flush()
        }
        return try output.finish()
    }

    /// Reads a checkpoint if there is one that fits the files.
    ///
    /// - Returns: What it holds; nil if everything has to be read again.
    func read(_ paths: [String]) -> (contents: StoreState.Contents, size: Int64)? {
        guard let file = try? ReadableFile(names.checkpoint) else { return nil }
        var scanner = LineScanner(file, from: 0)
        guard case .line(let head, let place)? = scanner.next(), let parts = head.checkpoint,
            let contents = Self.match(parts, paths)
        else { return nil }
        var (shelf, isSealed) = (contents.contents, false)
        var border = UsageLine()
        border.compacted = head.compacted
        shelf.book.apply(border, part: nil, offset: 0)
        let ids = contents.ids
        var hash = StableHash(domain: "checkpoint")
        hash.combine(bytes: file.bytes(at: 0, count: Int(place.length) + 1).span.bytes)
        while let item = scanner.next() {
            guard case .line(var line, let place) = item, !isSealed else { return nil }
            if let seal = line.seal {
                guard seal == hash.value else { return nil }
                isSealed = true
                continue
            }
            hash.combine(bytes: file.bytes(at: place.offset, count: Int(place.length) + 1).span.bytes)
            for position in line.sessions.indices {
                line.sessions[position].lines = line.sessions[position].lines.compactMap { line in
                    guard ids.indices.contains(Int(line.part)) else { return nil }
                    return LineRef(part: ids[Int(line.part)], offset: line.offset, first: line.first)
                }
            }
            shelf.book.apply(line, part: nil, offset: 0)
        }
        return isSealed ? (shelf, file.size) : nil
    }

    /// Finds the files of a checkpoint again, also the one that has got another name since.
    private static func match(_ parts: [CheckpointPart], _ paths: [String]) -> (
        contents: StoreState.Contents, ids: [Int32]
    )? {
        var contents = StoreState.Contents()
        var ids: [Int32] = []
        var rest = paths[...]
        for part in parts {
            guard let path = rest.first, part.matches(path) else { return nil }
            rest = rest.dropFirst()
            ids.append(contents.parts.append(Part(path: path, number: nil, earliest: part.earliest, end: part.offset)))
        }
        return (contents, ids)
    }
}

/// How much a checkpoint lacks, and what writing a new one would cost.
struct CheckpointAge {
    /// How many bytes of lines came after it.
    var added: Int64 = 0
    /// Its size; zero while there is none.
    var size: Int64 = 0

    /// How many bytes may be read again at a start for want of a newer checkpoint.
    private static let step: Int64 = 256 << 20
    /// A checkpoint of this size is written in a moment.
    private static let smallSize: Int64 = 4 << 20

    /// Whether one is due while the store is open.
    var isDue: Bool { added >= max(Self.step, size * 4) }

    /// Whether a stop makes one: not where writing it takes far longer than the next start takes to read what is new.
    var isDueAtStop: Bool { size == 0 || added > 0 && (size < Self.smallSize || added > size / 16) }
}

/// A file of lines that ends with a checksum over all of them.
struct SealedOutput: ~Copyable {
    var writer = LineWriter()
    private var file: FileReplacement
    private var hash = StableHash(domain: "checkpoint")

    init(of path: String) throws(FileError) {
        file = try FileReplacement(of: path)
    }

    /// Writes the line that is ready.
    mutating func flush() throws(FileError) {
        guard !writer.bytes.isEmpty else { return }
        // The checksum goes line by line, as they are read.
        var sum = hash
        sum.combine(bytes: writer.bytes.span.bytes)
        hash = sum
        try file.append(writer.bytes)
        writer.clear()
    }

    mutating func finish() throws(FileError) -> Int64 {
        writer.begin(receivedAt: nil)
        writer.bytes.append("seal", hash: hash.value)
        writer.end()
        try file.append(writer.bytes)
        try file.commit()
        return file.size
    }
}
