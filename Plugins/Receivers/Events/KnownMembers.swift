// SPDX-License-Identifier: Apache-2.0

/// The part of a body that events are read from: of each event the members that have a meaning, everything else stepped over.
///
/// A sender may add members of its own, and a decoder would make values of all of them: 600,000 in a body of 1.4 MB took 3.6 s. What is
/// stepped over is checked for the grammar of RFC 8259 and costs a look at each byte.
struct KnownMembers {
    /// The events as JSON, an object or a list of at most as many as were asked for; what is no object is 0.
    private(set) var json: [UInt8] = []
    /// How many elements the list has; 1 where the body is one event.
    private(set) var count = 0

    private let most: Int
    private let known: Set<String>
    private let longestName: Int

    /// What is wrong with a body.
    enum Fault: Error {
        /// It is no JSON.
        case malformed
        /// An event names members twice, and many times over.
        case repeated(event: Int)
    }

    /// An event has two dozen members under all spellings; more is a body that was made to be a burden.
    private static let mostMembers = 128
    private static let deepest = 512

    /// Reads a body.
    ///
    /// - Parameters:
    ///   - body: A JSON text.
    ///   - names: The names of members that have a meaning.
    ///   - most: How many events of a list are kept; those behind are counted.
    init(_ body: [UInt8], names: Set<String>, most: Int) throws(Fault) {
        known = names
        longestName = names.reduce(0) { max($0, $1.utf8.count) }
        self.most = most
        json.reserveCapacity(min(body.count, 4_096))
        var cursor = Cursor(bytes: body)
        cursor.skipSpace()
        if cursor.next == UInt8(ascii: "[") {
            try list(&cursor)
        } else {
            try event(&cursor, isKept: true)
            count = 1
        }
        cursor.skipSpace()
        guard cursor.isAtEnd else { throw .malformed }
    }

    private mutating func list(_ cursor: inout Cursor) throws(Fault) {
        json.append(UInt8(ascii: "["))
        cursor.position += 1
        cursor.skipSpace()
        if !cursor.take("]") {
            repeat {
                let isKept = count < most
                if isKept, count > 0 { json.append(UInt8(ascii: ",")) }
                cursor.skipSpace()
                try event(&cursor, isKept: isKept)
                count += 1
                cursor.skipSpace()
            } while cursor.take(",")
            guard cursor.take("]") else { throw .malformed }
        }
        json.append(UInt8(ascii: "]"))
    }

    private mutating func event(_ cursor: inout Cursor, isKept: Bool) throws(Fault) {
        guard isKept, cursor.next == UInt8(ascii: "{") else {
            try cursor.skipValue(deepest: Self.deepest)
            if isKept { json.append(UInt8(ascii: "0")) }
            return
        }
        json.append(UInt8(ascii: "{"))
        cursor.position += 1
        cursor.skipSpace()
        if !cursor.take("}") {
            var kept = 0
            repeat {
                cursor.skipSpace()
                let isNew = try member(&cursor, isFirst: kept == 0)
                if isNew { kept += 1 }
                guard kept <= Self.mostMembers else { throw .repeated(event: count) }
                cursor.skipSpace()
            } while cursor.take(",")
            guard cursor.take("}") else { throw .malformed }
        }
        json.append(UInt8(ascii: "}"))
    }

    /// Steps over a member; whether it was kept.
    ///
    /// A list or an object, which no member of ours is, is kept as an empty list.
    private mutating func member(_ cursor: inout Cursor, isFirst: Bool) throws(Fault) -> Bool {
        let name = try cursor.string()
        cursor.skipSpace()
        guard cursor.take(":") else { throw .malformed }
        cursor.skipSpace()
        let start = cursor.position
        let isCompound = cursor.next == UInt8(ascii: "[") || cursor.next == UInt8(ascii: "{")
        try cursor.skipValue(deepest: Self.deepest)
        guard hasMeaning(cursor.bytes[name]) else { return false }
        if !isFirst { json.append(UInt8(ascii: ",")) }
        json.append(UInt8(ascii: "\""))
        json += cursor.bytes[name]
        json += "\":".utf8
        if isCompound { json += "[]".utf8 } else { json += cursor.bytes[start..<cursor.position] }
        return true
    }

    /// Whether a name, as it is written, is one of ours; one with escapes may be, which its decoder finds out.
    private func hasMeaning(_ name: ArraySlice<UInt8>) -> Bool {
        if name.count > longestName { return name.count <= 6 * longestName && name.contains(UInt8(ascii: "\\")) }
        return name.contains(UInt8(ascii: "\\")) || known.contains(String(decoding: name, as: UTF8.self))
    }
}

/// A place in a JSON text.
private struct Cursor {
    let bytes: [UInt8]
    var position = 0

    var isAtEnd: Bool { position >= bytes.count }

    /// The byte at the place; 0, with which no value begins, at the end.
    var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
    }

    mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: sign) else { return false }
        position += 1
        return true
    }

    /// Steps over a string; returns where its text lies.
    mutating func string() throws(KnownMembers.Fault) -> Range<Int> {
        guard take("\"") else { throw .malformed }
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return start..<position - 1 }
            guard byte >= 0x20 else { throw .malformed }
            if byte == UInt8(ascii: "\\") { try escape() }
        }
        throw .malformed
    }

    private mutating func escape() throws(KnownMembers.Fault) {
        let kind = next
        position += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            break
        case UInt8(ascii: "u"):
            guard position + 4 <= bytes.count, bytes[position..<position + 4].allSatisfy(Self.isHexadecimal) else {
                throw .malformed
            }
            position += 4
        default: throw .malformed
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte | 0x20
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    /// Steps over a value, however deep, without calling itself.
    mutating func skipValue(deepest: Int) throws(KnownMembers.Fault) {
        var open: [UInt8] = []
        repeat {
            skipSpace()
            switch next {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                let end = next == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]")
                guard open.count < deepest else { throw .malformed }
                position += 1
                skipSpace()
                guard next == end else {
                    open.append(end)
                    if end == UInt8(ascii: "}") { try name() }
                    continue
                }
                position += 1
            case UInt8(ascii: "\""): _ = try string()
            case UInt8(ascii: "t"): try word("true")
            case UInt8(ascii: "f"): try word("false")
            case UInt8(ascii: "n"): try word("null")
            default: try number()
            }
            try closeEnded(&open)
        } while !open.isEmpty
    }

    /// After a value: steps over the ends of what it was the last of, or over the comma in front of the next.
    private mutating func closeEnded(_ open: inout [UInt8]) throws(KnownMembers.Fault) {
        while let end = open.last {
            skipSpace()
            guard next == end else {
                guard take(",") else { throw .malformed }
                if end == UInt8(ascii: "}") { try name() }
                return
            }
            position += 1
            open.removeLast()
        }
    }

    private mutating func name() throws(KnownMembers.Fault) {
        skipSpace()
        _ = try string()
        skipSpace()
        guard take(":") else { throw .malformed }
    }

    private mutating func word(_ word: StaticString) throws(KnownMembers.Fault) {
        guard word.withUTF8Buffer({ bytes[position...].starts(with: $0) }) else { throw .malformed }
        position += word.utf8CodeUnitCount
    }

    private mutating func number() throws(KnownMembers.Fault) {
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if next | 0x20 == UInt8(ascii: "e") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
    }

    private mutating func digits() throws(KnownMembers.Fault) {
        let start = position
        while Self.isDigit(next) { position += 1 }
        guard position > start else { throw .malformed }
    }
}
