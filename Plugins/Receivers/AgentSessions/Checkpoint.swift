// SPDX-License-Identifier: Apache-2.0

/// How far a session file was read, and what has to be known to go on there.
struct FileMark: Equatable {
    var identity: FileIdentity
    /// Size and time of the file when it was read; -1 as long as more of it is to be read.
    var size: Int64
    var modified: Int64
    /// Bytes up to the end of the last whole line, of the contents where the file is compressed.
    var offset: Int64
    /// Lines up to there, as far as they were read.
    var lines: Int64 = 0
    /// Whether reading goes on in the middle of a line.
    var isInsideLine = false
    /// A hash of the first bytes, to notice when another file has taken the place.
    var head = FileHead()
    var state: ReaderState
    /// What could not be read up to there; nil when there is nothing to report.
    var faults: FileFaults?

    /// Whether nothing has happened to the file since.
    func isUnchanged(_ file: FoundFile) -> Bool {
        identity == file.identity && size == file.size && modified == file.modified
    }
}

extension Checkpoint {
    /// Tokens by which running totals of rollouts exceed the calls that the rollouts report.
    var unexplainedTokens: Int64 {
        marks.values.reduce(0) { sum, mark in
            guard case .rollout(let state) = mark.state else { return sum }
            return sum + state.running.unexplained
        }
    }
}

/// The beginning of a file.
struct FileHead: Equatable {
    var length: Int32 = 0
    var hash: UInt64 = 0

    static let longest = 4_096

    /// Whether it stays the same however the file grows.
    var isWhole: Bool { length == Self.longest }
}

/// All marks, by the key of their file, the stores that have what was read, and what could not be read.
struct Checkpoint: Equatable {
    var marks: [String: FileMark] = [:]
    var stores: Set<UInt64> = []
    var unreadable = UnreadableFiles()

    /// The first bytes of the file; they end with the version of the format.
    private static let signature: [UInt8] = Array("hammurabi agent_sessions 5\n".utf8)
    /// Version 4, of 0.1.0, has the marks of Claude Code and Codex alone, written in the same way.
    private static let formerSignature: [UInt8] = Array("hammurabi agent_sessions 4\n".utf8)

    /// Reads a checkpoint; nil when it is damaged or of another version, which costs no more than reading everything again.
    init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.signature) || bytes.starts(with: Self.formerSignature),
            bytes.count >= Self.signature.count + 8
        else { return nil }
        var reader = StateDecoder(bytes[Self.signature.count...])
        let body = bytes[Self.signature.count..<(bytes.count - 8)]
        guard StateDecoder(bytes[(bytes.count - 8)...]).trailingHash == StateDecoder.hash(body) else { return nil }
        for _ in 0..<max(0, min(reader.number(), Int64(body.count))) where !reader.hasFailed {
            stores.insert(UInt64(bitPattern: reader.number()))
        }
        unreadable = reader.unreadable()
        let count = max(0, min(reader.number(), Int64(body.count)))
        marks.reserveCapacity(Int(count))
        for _ in 0..<count where !reader.hasFailed {
            let key = reader.text()
            marks[key] = reader.mark()
        }
        guard !reader.hasFailed else { return nil }
    }

    init() {}

    /// The checkpoint as bytes.
    var encoded: [UInt8] {
        var writer = StateEncoder()
        writer.number(Int64(stores.count))
        for store in stores { writer.number(Int64(bitPattern: store)) }
        writer.unreadable(unreadable)
        writer.number(Int64(marks.count))
        for (key, mark) in marks {
            writer.text(key)
            writer.mark(mark)
        }
        return Self.signature + writer.bytes + writer.hash
    }
}
