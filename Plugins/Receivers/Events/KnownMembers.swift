// SPDX-License-Identifier: Apache-2.0

import JSON

/// Reduces a body to the members that events use; all other members are skipped.
///
/// A sender may add members of its own, and a decoder would create values for all of them: 600,000 in a body of 1.4 MB took 3.6 s. A
/// skipped member is checked for the grammar of RFC 8259, which costs one look at each byte.
struct KnownMembers {
    /// The events as JSON, an object or a list up to the requested size; an element that is not an object is 0.
    private(set) var json: [UInt8] = []
    /// How many elements the list has; 1 when the body is a single event.
    private(set) var count = 0

    /// The first event with too many repeated members.
    private var repeated: Int?
    private let most: Int
    private let known: Set<String>
    private let longestName: Int

    /// Why a body is refused.
    enum Fault: Error {
        /// It is not JSON.
        case malformed(JSONError)
        /// An event repeats members many times.
        case repeated(event: Int)
    }

    /// The most known members in an event: there are two dozen in all spellings; more are an attempt to cause load.
    private static let mostMembers = 128
    private static let deepest = 512

    /// Reads a body.
    ///
    /// - Parameters:
    ///   - body: A JSON text.
    ///   - names: The names of known members.
    ///   - most: How many events of a list are kept; further ones are only counted.
    init(_ body: [UInt8], names: Set<String>, most: Int) throws(Fault) {
        known = names
        longestName = names.reduce(0) { max($0, $1.utf8.count) }
        self.most = most
        json.reserveCapacity(min(body.count, 4_096))
        var reader = JSONReader(body, deepest: Self.deepest)
        do throws(JSONError) {
            if try reader.peek() == UInt8(ascii: "[") {
                try list(&reader)
            } else {
                try event(&reader, isKept: true)
                count = 1
            }
            try reader.finish()
        } catch {
            throw .malformed(error)
        }
        if let repeated { throw .repeated(event: repeated) }
    }

    private mutating func list(_ reader: inout JSONReader) throws(JSONError) {
        json.append(UInt8(ascii: "["))
        try reader.enterArray()
        while try reader.nextElement() {
            let isKept = count < most
            if isKept, count > 0 { json.append(UInt8(ascii: ",")) }
            try event(&reader, isKept: isKept)
            count += 1
        }
        json.append(UInt8(ascii: "]"))
    }

    private mutating func event(_ reader: inout JSONReader, isKept: Bool) throws(JSONError) {
        guard isKept, try reader.peek() == UInt8(ascii: "{") else {
            try reader.skip()
            if isKept { json.append(UInt8(ascii: "0")) }
            return
        }
        json.append(UInt8(ascii: "{"))
        try reader.enterObject()
        var kept = 0
        while let name = try reader.nextKeyRange() {
            if try member(name, &reader, isFirst: kept == 0) { kept += 1 }
            if kept > Self.mostMembers, repeated == nil { repeated = count }
        }
        json.append(UInt8(ascii: "}"))
    }

    /// Reads a member; returns whether it was kept.
    ///
    /// A list or an object, which no known member has, is kept as an empty list.
    private mutating func member(
        _ name: Range<Int>,
        _ reader: inout JSONReader,
        isFirst: Bool
    ) throws(JSONError) -> Bool {
        let first = try reader.peek()
        let start = reader.position
        try reader.skip()
        guard repeated == nil, hasMeaning(reader.bytes[name]) else { return false }
        if !isFirst { json.append(UInt8(ascii: ",")) }
        json.append(UInt8(ascii: "\""))
        json += reader.bytes[name]
        json += "\":".utf8
        let isCompound = first == UInt8(ascii: "[") || first == UInt8(ascii: "{")
        if isCompound { json += "[]".utf8 } else { json += reader.bytes[start..<reader.position] }
        return true
    }

    /// Whether a name, as written, is known; one with escapes may be, which the decoder determines.
    private func hasMeaning(_ name: ArraySlice<UInt8>) -> Bool {
        if name.count > longestName { return name.count <= 6 * longestName && name.contains(UInt8(ascii: "\\")) }
        return name.contains(UInt8(ascii: "\\")) || known.contains(String(decoding: name, as: UTF8.self))
    }
}
