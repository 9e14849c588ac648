// SPDX-License-Identifier: Apache-2.0

import JSON

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Lines that hold more than one JSON object, because the line feed between two of them was lost.
///
/// Two programs that write one file may lose it, and a program that was killed within a line leaves it without its end, so that what is
/// written next is joined to it (reports of ccusage and CodexBar of corrupted lines).
extension LineBytes {
    /// Hands on each object of the line: there is more than one where a line feed was lost.
    ///
    /// White space and NULs between two objects are as good as nothing; anything else there, and a beginning that was cut off, is a
    /// fault, behind which it goes on with the next whole object.
    ///
    /// - Parameter fault: Receives each fault; returns whether to go on behind it.
    /// - Returns: The last object.
    func forEachObject(
        _ read: (LineBytes) throws(LineFault) -> Void,
        fault: (LineFault) -> Bool
    ) -> LineBytes {
        var (last, rest) = (self, self)
        while true {
            let joint = rest.joint()
            if let object = joint == nil ? rest : joint?.object {
                last = object
                do throws(LineFault) {
                    try read(object)
                } catch {
                    guard fault(error) else { return last }
                    if error == .cutOff, let other = object.objectAfterCut() {
                        last = other
                        try? read(other)
                    }
                }
            }
            if let error = joint?.fault, !fault(error) { return last }
            guard let next = joint?.next else { return last }
            rest = next
        }
    }

    /// How a line goes on behind its first object.
    private struct Joint {
        /// The first object; nil when it is not whole.
        var object: LineBytes?
        /// What begins with the next object; nil when there is none.
        var next: LineBytes?
        var fault: LineFault?
    }

    /// The end of the first object and what follows; nil when the line is one object, as nearly every line is.
    ///
    /// A look at each byte, eight at a time: the syntax is only looked at where an object begins without anything that leads to one,
    /// or where the line does not end with an object.
    private func joint() -> Joint? {
        guard strayObject(from: 1, acceptsCommas: true) != nil || !endsLikeObject else { return nil }
        var start = 0
        // A byte order mark is only found at the beginning of a file.
        if count >= 3, base[0] == 0xEF, base[1] == 0xBB, base[2] == 0xBF { start = 3 }
        guard let end = objectEnd(from: start), (strayObject(from: 1, acceptsCommas: false) ?? end) >= end else {
            return wholeObject(isInside: true, from: 1).map { Joint(next: $0, fault: .cutOff) }
        }
        var next = end
        while next < count, base[next] <= 32 { next += 1 }
        let object = prefix(upTo: end)
        if next == count { return Joint(object: object) }
        if base[next] == UInt8(ascii: "{") { return Joint(object: object, next: suffix(from: next)) }
        return Joint(object: object, next: wholeObject(isInside: false, from: next), fault: .joined)
    }

    /// The part of the line that begins with its next whole object.
    ///
    /// - Parameter isInside: Whether the search begins inside an object that was cut off: then its own members are passed over.
    private func wholeObject(isInside: Bool, from start: Int) -> LineBytes? {
        var from = start
        for _ in 0..<Self.mostTries {
            let place = isInside ? strayObject(from: from, acceptsCommas: false) : objectStart(from: from)
            guard let place else { return nil }
            if var end = objectEnd(from: place) {
                while end < count, base[end] <= 32 { end += 1 }
                if !isInside || end == count || base[end] == UInt8(ascii: "{") { return suffix(from: place) }
            }
            from = place + 1
        }
        return nil
    }

    /// The end of the object that begins at a place; nil when none does, or when it is not whole.
    private func objectEnd(from place: Int) -> Int? {
        var cursor = JSONScanner(suffix(from: place))
        guard (try? cursor.enterObject()) == true else { return nil }
        cursor = JSONScanner(suffix(from: place))
        return (try? cursor.skipValue()) == nil ? nil : place + cursor.offset
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
                var cursor = JSONScanner(line.suffix(from: place))
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

    /// Whether the line ends with a brace, white space left out.
    private var endsLikeObject: Bool {
        var last = count
        while last > 0, base[last - 1] <= 32, base[last - 1] > 0 { last -= 1 }
        return last == 0 || base[last - 1] == UInt8(ascii: "}")
    }

    /// The next place where an object begins although nothing before it leads to one.
    private func strayObject(from start: Int, acceptsCommas: Bool) -> Int? {
        var from = start
        while let place = objectStart(from: from) {
            if isStray(place, acceptsCommas: acceptsCommas) { return place }
            from = place + 1
        }
        return nil
    }

    /// Whether an object at a place is no member of the line's first object.
    ///
    /// It follows neither a bracket nor a colon, nor a comma, unless it begins like a line: what follows a comma may be either. A text
    /// that ends with a brace is followed by no letter.
    private func isStray(_ place: Int, acceptsCommas: Bool) -> Bool {
        func lastInk(before end: Int) -> Int {
            var position = end - 1
            while position >= 0, base[position] <= 32 { position -= 1 }
            return position
        }
        guard place + 2 < count, (97...122).contains(base[place + 2] | 32) else { return false }
        let before = lastInk(before: place)
        guard before >= 0 else { return false }
        switch base[before] {
        case UInt8(ascii: "["), UInt8(ascii: ":"): return false
        case UInt8(ascii: ","):
            let earlier = acceptsCommas ? lastInk(before: before) : -1
            return earlier >= 0 && base[earlier] == UInt8(ascii: "}") && beginsLikeLine(place)
        default: return before > 2 || base[before] != 0xBF
        }
    }

    private func beginsLikeLine(_ place: Int) -> Bool {
        Self.beginnings.contains { text in
            text.utf8CodeUnitCount <= count - place && memcmp(base + place, text.utf8Start, text.utf8CodeUnitCount) == 0
        }
    }

    /// The next place of `{"`.
    private func objectStart(from start: Int) -> Int? {
        let raw = UnsafeRawPointer(base)
        var position = start
        // Each of eight bytes is zero where both bytes are what is looked for.
        func difference(_ position: Int) -> UInt64 {
            let first =
                raw.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian ^ 0x7B7B_7B7B_7B7B_7B7B
            let second =
                raw.loadUnaligned(fromByteOffset: position + 1, as: UInt64.self).littleEndian ^ 0x2222_2222_2222_2222
            let both = first | second
            return (both &- 0x0101_0101_0101_0101) & ~both & 0x8080_8080_8080_8080
        }
        while position + 33 <= count {
            let found =
                difference(position) | difference(position + 8) | difference(position + 16) | difference(position + 24)
            if found != 0 { break }
            position += 32
        }
        while position + 9 <= count {
            // The lowest bit that is set is that of the first such byte.
            let found = difference(position)
            if found != 0 { return position + found.trailingZeroBitCount / 8 }
            position += 8
        }
        while position + 1 < count {
            if base[position] == UInt8(ascii: "{"), base[position + 1] == UInt8(ascii: "\"") { return position }
            position += 1
        }
        return nil
    }
}
