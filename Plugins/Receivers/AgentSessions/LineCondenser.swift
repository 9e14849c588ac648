// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Shortens the texts of a line of JSON while it is read, so that what a very long line tells beside its texts still fits into memory.
///
/// The line comes in pieces; what is left of them is the same JSON with long texts cut off.
struct LineCondenser {
    /// Whether the piece before ended inside a text.
    private var isInsideText = false
    /// How many bytes of that text were kept.
    private var kept = 0

    /// As much of a text is kept: more than any name, id or path has.
    static let longestText = 4_096

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
        let room = Self.longestText - kept
        guard count > room else {
            kept += count
            return count
        }
        kept = Self.longestText
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

    /// How many backslashes stand directly before a place.
    private static func slashes(before place: Int, _ base: UnsafePointer<UInt8>, from start: Int) -> Int {
        var first = place
        while first > start, base[first - 1] == UInt8(ascii: "\\") { first -= 1 }
        return place - first
    }
}
