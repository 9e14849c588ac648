// SPDX-License-Identifier: Apache-2.0

import JSON

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Cuts a stream of bytes into lines within bounded memory; one buffer serves file after file.
///
/// The texts of a long line are cut off (``LineCondenser``); a line that does not fit even then is left out.
final class LineBuffer {
    private var storage: UnsafeMutablePointer<UInt8>
    /// How much memory there is for lines.
    private(set) var capacity: Int
    private let largestLine: Int
    private var start = 0
    private var searched = 0
    private var filled = 0
    private var leavesOut = Omission?.none
    private var condenser = LineCondenser()
    /// How far the line at the beginning is condensed, and how many of its bytes are gone.
    private var condensed = (end: 0, gone: 0)

    /// Bytes between the start of the stream and the line that comes next.
    private(set) var offset: Int64 = 0
    /// Lines given out or left out so far.
    private(set) var lineCount = 0

    /// How much is read at a time: small enough to stay in the processor's cache.
    static let readSize = 64 << 10

    /// A line longer than this is condensed.
    static let longestWhole = 512 << 10

    init(largestLine: Int = 8 << 20) {
        self.largestLine = max(largestLine, 1)
        capacity = Self.readSize * 2
        storage = .allocate(capacity: capacity)
    }

    deinit { storage.deallocate() }

    /// Why a line is not given out.
    enum Omission {
        /// It is longer than the buffer may grow, even without its texts.
        case tooLong
        /// The stream was entered in the middle of it.
        case entered
    }

    enum Finding {
        /// A line without its end; valid until the buffer is filled again.
        case line(LineBytes)
        /// A line was left out.
        case omitted(Omission)
        /// More has to be read first.
        case more
    }

    /// Begins another stream at this offset.
    func reset(offset: Int64, isInsideLine: Bool = false) {
        (start, searched, filled, lineCount) = (0, 0, 0, 0)
        forgetCondensed()
        self.offset = offset
        leavesOut = isInsideLine ? .entered : nil
    }

    /// What comes next.
    func next() -> Finding {
        guard searched < filled, let found = memchr(storage + searched, 10, filled - searched) else {
            searched = filled
            return .more
        }
        let end = found.assumingMemoryBound(to: UInt8.self) - storage
        let line = LineBytes(base: UnsafePointer(storage) + start, count: end - start)
        offset += Int64(end + 1 - start + condensed.gone)
        if condensed.end > 0 { forgetCondensed() }
        start = end + 1
        searched = start
        lineCount += 1
        defer { leavesOut = nil }
        if let leavesOut { return .omitted(leavesOut) }
        return line.count > largestLine ? .omitted(.tooLong) : .line(line)
    }

    /// What has come after the last line's end; nil when there is nothing or it is part of a line that is left out.
    var rest: LineBytes? {
        guard leavesOut == nil, filled > start else { return nil }
        return LineBytes(base: UnsafePointer(storage) + start, count: filled - start)
    }

    /// Whether ``offset`` lies within a line that is left out.
    var isInsideLine: Bool { leavesOut != nil }

    /// Fills the buffer by one read and returns how many bytes came; 0 at the end of the stream.
    ///
    /// Lines given out before are gone.
    func fill<Failure: Error>(
        _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        makeRoom()
        let count = try read(UnsafeMutableRawBufferPointer(start: storage + filled, count: Self.readSize))
        filled += max(0, min(count, Self.readSize))
        return count
    }

    /// Makes room for one read; of a line that is too long nothing but its length is kept.
    private func makeRoom() {
        if start > 0, leavesOut == nil {
            memmove(storage, storage + start, filled - start)
            (start, searched, filled) = (0, filled - start, filled - start)
        }
        if leavesOut == nil, filled > Self.longestWhole { condense() }
        if leavesOut == nil, filled > largestLine { leavesOut = .tooLong }
        if leavesOut != nil {
            offset += Int64(filled - start + condensed.gone)
            forgetCondensed()
            (start, searched, filled) = (0, 0, 0)
        }
        guard capacity - filled < Self.readSize else { return }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
        memcpy(larger, storage, filled)
        storage.deallocate()
        storage = larger
        capacity *= 2
    }

    /// Cuts off the texts of the line that the buffer begins with.
    private func condense() {
        let piece = UnsafeMutableBufferPointer(start: storage + condensed.end, count: filled - condensed.end)
        let (left, again) = condenser.condense(piece)
        memmove(storage + condensed.end + left, storage + filled - again, again)
        condensed = (condensed.end + left, condensed.gone + piece.count - left - again)
        filled = condensed.end + again
        searched = filled
    }

    private func forgetCondensed() {
        condenser = LineCondenser()
        condensed = (0, 0)
    }
}

/// Shortens the texts of a line of JSON while it is read, so that the rest of a very long line still fits into memory.
///
/// The line comes in pieces; what is left of them is the same JSON with long texts cut off.
struct LineCondenser {
    /// Whether the piece before ended inside a text.
    private var isInsideText = false
    /// How many bytes of that text were kept.
    private var kept = 0

    /// As much of a text of a line is kept: more than any name, id or path has.
    static let longestText = 4_096

    /// As much of a text is kept here.
    private let longest: Int

    init(longestText: Int = LineCondenser.longestText) { longest = longestText }

    /// Condenses a piece in place.
    ///
    /// - Returns: How many bytes are left at the beginning of the piece, and how many at its end have to be given again with the
    ///   next one, because they may be half an escape.
    mutating func condense(_ piece: UnsafeMutableBufferPointer<UInt8>) -> (left: Int, again: Int) {
        guard let base = piece.baseAddress else { return (0, 0) }
        // Pieces end between two escapes; so no piece has to know the one before.
        let end = piece.count - Self.slashes(before: piece.count, base, from: 0) % 2
        var (read, write) = (0, 0)
        func keep(_ count: Int) {
            if read != write { memmove(base + write, base + read, count) }
            write += count
        }
        while read < end {
            let (quote, isFound) = isInsideText ? Self.textEnd(base, read, end) : Self.textBegin(base, read, end)
            if isInsideText {
                keep(room(quote - read, base + read))
            } else {
                keep(quote - read)
                kept = 0
            }
            read = quote
            guard isFound else { break }
            keep(1)
            read += 1
            isInsideText.toggle()
        }
        return (write, piece.count - end)
    }

    /// How many of the bytes of a text are kept; whole escapes only.
    private mutating func room(_ count: Int, _ bytes: UnsafePointer<UInt8>) -> Int {
        let room = longest - kept
        guard count > room else {
            kept += count
            return count
        }
        kept = longest
        return room - Self.slashes(before: room, bytes, from: 0) % 2
    }

    /// Where the next text begins, and whether it does.
    private static func textBegin(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> (Int, Bool) {
        memchr(base + start, 34, end - start).map {
            (UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) - base, true)
        }
            ?? (end, false)
    }

    /// Where the text ends, and whether it does.
    private static func textEnd(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> (Int, Bool) {
        var position = start
        while true {
            let (quote, isFound) = textBegin(base, position, end)
            guard isFound, slashes(before: quote, base, from: start) % 2 == 1 else { return (quote, isFound) }
            position = quote + 1
        }
    }

    /// How many backslashes are directly before a place.
    private static func slashes(before place: Int, _ base: UnsafePointer<UInt8>, from start: Int) -> Int {
        var first = place
        while first > start, base[first - 1] == UInt8(ascii: "\\") { first -= 1 }
        return place - first
    }
}
