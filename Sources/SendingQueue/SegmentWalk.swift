// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files

/// Iterates over the entries of a segment and skips damaged ranges.
struct SegmentWalk {
    let file: any QueueFile
    let seed: UInt64
    /// The end of the segment.
    let end: Int

    private var window: [UInt8] = []
    private var windowStart = 0

    /// How many bytes are read at a time when only headers are needed.
    private static let windowSize = 4_096
    /// How many bytes are read at a time in the search for the next complete entry.
    private static let searchSize = 1 << 20

    init(_ file: any QueueFile, seed: UInt64, end: Int) {
        self.file = file
        self.seed = seed
        self.end = end
    }

    /// The results of an iteration besides the entries.
    struct Findings {
        /// The end of the last complete entry.
        var end: Int
        /// The ranges between entries that cannot be read.
        var damage: [Range<Int>] = []
    }

    /// Visits every entry from an offset on; bytes after the last one do not belong to the segment.
    ///
    /// - Parameter verifying: Whether the checksum of each entry's bytes is checked, too.
    mutating func entries(
        from start: Int,
        verifying: Bool,
        visit: (EntryHeader, Int) -> Void
    ) throws(FileError) -> Findings {
        var findings = Findings(end: start)
        var damage: [Range<Int>] = []
        var position = start
        while position < end {
            if let header = try header(at: position) {
                let next = position + EntryHeader.size + header.length
                let isWhole = verifying ? try isWhole(header, at: position) : true
                if isWhole {
                    visit(header, position)
                    findings.end = next
                    findings.damage += damage
                    damage = []
                } else {
                    damage.append(position..<next)
                }
                position = next
            } else if let next = try nextEntry(after: position) {
                damage.append(position..<next)
                position = next
            } else {
                break
            }
        }
        return findings
    }

    /// The header at an offset; nil when there is none whose entry ends within the segment.
    mutating func header(at offset: Int) throws(FileError) -> EntryHeader? {
        if offset < windowStart || offset + EntryHeader.size > windowStart + window.count {
            window = try file.bytes(at: offset, count: min(Self.windowSize, end - offset))
            windowStart = offset
        }
        return header(window, offset - windowStart, at: offset)
    }

    private func header(_ bytes: [UInt8], _ index: Int, at offset: Int) -> EntryHeader? {
        bytes.withUnsafeBytes { bytes in
            guard index + EntryHeader.size <= bytes.count,
                let header = EntryHeader(UnsafeRawBufferPointer(rebasing: bytes[index...]), seed: seed),
                offset + EntryHeader.size + header.length <= end
            else { return nil }
            return header
        }
    }

    func isWhole(_ header: EntryHeader, at offset: Int) throws(FileError) -> Bool {
        let body = try file.bytes(at: offset + EntryHeader.size, count: header.length)
        return body.withUnsafeBytes { header.matches($0, seed: seed) }
    }

    /// The start of the next entry after damage; nil when there is none.
    func nextEntry(after offset: Int) throws(FileError) -> Int? {
        var start = offset + 1
        while start + EntryHeader.size <= end {
            let bytes = try file.bytes(at: start, count: min(Self.searchSize, end - start))
            guard bytes.count >= EntryHeader.size else { return nil }
            let first = UInt8(truncatingIfNeeded: EntryHeader.magic)
            for index in 0...(bytes.count - EntryHeader.size) where bytes[index] == first {
                if header(bytes, index, at: start + index) != nil { return start + index }
            }
            start += bytes.count - EntryHeader.size + 1
        }
        return nil
    }
}
