// SPDX-License-Identifier: Apache-2.0

import JSON
import OTLP
import Usage

/// Lets a `switch` over a key name the keys that are wanted.
func ~= (name: StaticString, text: JSONScanner.Text) -> Bool { text.equals(name) }

extension JSONScanner {
    /// Steps through the members of the object that is the next value; what is no object is skipped.
    ///
    /// - Parameter read: Reads the value of a key and returns true, or returns false without reading: then it is skipped.
    mutating func members(
        _ read: (Text, inout JSONScanner) throws(LineFault) -> Bool
    ) throws(LineFault) {
        guard try enterObject() else { return }
        while let key = try nextKey() {
            if try !read(key, &self) { try skipValue() }
        }
    }

    /// Steps through the elements of the array that is the next value; what is no array is skipped.
    mutating func elements(_ read: (inout JSONScanner) throws(LineFault) -> Void) throws(LineFault) {
        guard try enterArray() else { return }
        while try nextElement() { try read(&self) }
    }

    /// The text that is the next value; nil when it is something else or empty.
    mutating func string() throws(LineFault) -> String? { try text()?.string }

    /// The next value as an instant: a text of ISO 8601, or milliseconds since 1970.
    mutating func instant() throws(LineFault) -> Timestamp? {
        if try isText() { return try string().flatMap { Timestamp(iso8601: $0) } }
        return try number().flatMap { number in
            (0..<9_000_000_000_000).contains(number) ? Timestamp(milliseconds: Int64(number)) : nil
        }
    }

    /// Whether the next value is a text.
    private func isText() throws(LineFault) -> Bool {
        var ahead = self
        return try ahead.text() != nil
    }
}

/// The tokens of a call as a store has them, in buckets that do not overlap.
struct StoreUsage: Equatable {
    var input: Int64 = 0
    var output: Int64 = 0
    var cacheRead: Int64 = 0
    var cacheWrite: Int64 = 0
    /// A part of ``output``.
    var reasoning: Int64 = 0

    var isZero: Bool { input == 0 && output == 0 && cacheRead == 0 && cacheWrite == 0 }

    /// Takes cached tokens out of an input that contains them.
    mutating func excludeCache() { input = max(0, input - cacheRead - cacheWrite) }
}

extension CallRecord {
    /// A call of another agent's store.
    init(_ usage: StoreUsage, time: Timestamp, session: String) {
        self.init(.storeCall, time: time, session: session)
        input = usage.input + usage.cacheRead + usage.cacheWrite
        output = usage.output
        (cacheRead, cacheWrite, reasoning) = (usage.cacheRead, usage.cacheWrite, min(usage.reasoning, usage.output))
    }
}
