// SPDX-License-Identifier: Apache-2.0

/// The longest name that is taken from outside: of a session, model, user, project, machine, provider, branch, task, title and the like.
///
/// OTLP bounds no text, and a name is kept for the whole retention and is in every answer: 40 session ids of 8 MiB each made every
/// answer 640 MiB long. A longer name is cut at the border of a character, and a hash of the whole name follows, so that two names stay
/// two: `aaaa…a…1f0e9d8c7b6a5948`. The same name is cut the same way in every process and version.
///
/// Pure functions, safe to use from many tasks at once.
public enum NameLimit {
    /// How many bytes of UTF-8 a name may have.
    public static let bytes = 512

    /// Three bytes of an ellipsis and sixteen digits.
    private static let markLength = 19
    private static let mark = "…"

    /// The name as it is kept: at most ``bytes`` long.
    public static func bounded(_ name: String) -> String {
        var name = name
        guard name.utf8.count > bytes else { return name }
        return name.withUTF8 { cut(UnsafeRawBufferPointer($0)) }
    }

    /// The name in some bytes of UTF-8 as it is kept, without a string of the whole; what is no UTF-8 is repaired.
    public static func bounded(utf8: UnsafeRawBufferPointer) -> String {
        guard utf8.count > bytes else {
            // Each byte that is repaired becomes three.
            return bounded(String(decoding: utf8, as: UTF8.self))
        }
        return cut(utf8)
    }

    private static func cut(_ whole: UnsafeRawBufferPointer) -> String {
        var hash = StableHash(domain: "long-name")
        hash.combine(bytes: whole.bytes)
        let digits = String(hash.value, radix: 16)
        let zeros = String(repeating: "0", count: 16 - digits.count)
        return head(of: whole) + mark + zeros + digits
    }

    /// The characters that have room beside the mark, the last one left out unless it is certain to be whole.
    private static func head(of whole: UnsafeRawBufferPointer) -> String {
        var head = String(decoding: whole.prefix(bytes - markLength + 4), as: UTF8.self)
        // What follows may belong to the last character.
        if head.count > 1 { head.removeLast() }
        while head.utf8.count > bytes - markLength {
            // One character that is longer than a name is cut at a scalar.
            if head.count > 1 { head.removeLast() } else { head.unicodeScalars.removeLast() }
        }
        return head
    }
}
