// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Lines that hold more than one JSON object, because the line feed between two of them was lost.
///
/// Two programs that write one file may lose it, and a program that was killed within a line leaves it without its end, so that what is
/// written next is joined to it (reports of ccusage and CodexBar of corrupted lines).
extension LineBytes {
    /// The end of the object that the line begins with; nil when nothing follows it, as in nearly every line.
    ///
    /// A look at each byte, eight at a time: only where a `}` is followed by a `{` is the syntax looked at.
    func endOfFirstObject() -> Int? {
        guard hasAdjacentBraces else { return nil }
        var start = 0
        // A byte order mark is only found at the beginning of a file.
        if count >= 3, base[0] == 0xEF, base[1] == 0xBB, base[2] == 0xBF { start = 3 }
        var cursor = JSONCursor(suffix(from: start))
        guard (try? cursor.skipValue()) != nil else { return nil }
        let end = start + cursor.offset
        return end < count && base[end] == UInt8(ascii: "{") ? end : nil
    }

    /// The whole object at the end of a line whose beginning was cut off; nil when there is none.
    func objectAfterCut() -> LineBytes? {
        var last = count
        while last > 0, base[last - 1] <= 32, base[last - 1] > 0 { last -= 1 }
        let line = LineBytes(base: base, count: last)
        var tries = 0
        for beginning in Self.beginnings {
            var from = 1
            while tries < Self.mostTries, let place = line.position(of: beginning, from: from) {
                tries += 1
                var cursor = JSONCursor(line.suffix(from: place))
                if (try? cursor.skipValue()) != nil, place + cursor.offset == last { return line.suffix(from: place) }
                from = place + 1
            }
        }
        return nil
    }

    /// The part from a place on.
    func suffix(from start: Int) -> LineBytes { LineBytes(base: base + start, count: count - start) }

    /// The part up to a place.
    func prefix(upTo end: Int) -> LineBytes { LineBytes(base: base, count: end) }

    /// How the lines of transcripts and rollouts begin.
    private static let beginnings: [StaticString] = [
        #"{"parentUuid":"#, #"{"timestamp":"#, #"{"type":"#, #"{"sessionId":"#, #"{"isSidechain":"#,
    ]

    /// How many beginnings are tried in one line.
    private static let mostTries = 16

    private func position(of text: StaticString, from start: Int) -> Int? {
        var place = start
        let length = text.utf8CodeUnitCount
        while place + length <= count,
            let found = memchr(base + place, Int32(text.utf8Start[0]), count - length + 1 - place)
        {
            place = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            if memcmp(found, text.utf8Start, length) == 0 { return place }
            place += 1
        }
        return nil
    }

    /// Whether a `}` is followed by a `{` anywhere.
    private var hasAdjacentBraces: Bool {
        let raw = UnsafeRawPointer(base)
        var position = 0
        // Each of eight bytes is zero where both bytes are what is looked for.
        func difference(_ position: Int) -> UInt64 {
            let first = raw.loadUnaligned(fromByteOffset: position, as: UInt64.self) ^ 0x7D7D_7D7D_7D7D_7D7D
            let second = raw.loadUnaligned(fromByteOffset: position + 1, as: UInt64.self) ^ 0x7B7B_7B7B_7B7B_7B7B
            let both = first | second
            return (both &- 0x0101_0101_0101_0101) & ~both & 0x8080_8080_8080_8080
        }
        while position + 33 <= count {
            let found =
                difference(position) | difference(position + 8) | difference(position + 16) | difference(position + 24)
            if found != 0 { return true }
            position += 32
        }
        while position + 1 < count {
            if base[position] == UInt8(ascii: "}"), base[position + 1] == UInt8(ascii: "{") { return true }
            position += 1
        }
        return false
    }
}
