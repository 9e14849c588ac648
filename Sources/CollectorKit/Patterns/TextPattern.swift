// SPDX-License-Identifier: Apache-2.0

/// A regular expression in the syntax of RE2, looked for anywhere in a text, as Go does.
///
/// The standard library's `Regex` tries one way after the other, which takes seconds for `.*password.*` in a text of a few kilobytes; this
/// one's time is in proportion to the text. Only the first 32 KiB of a text are looked at.
public struct TextPattern: Sendable {
    private let program: PatternProgram
    private let names: [String?]

    private static let longestText = 32_768

    /// Compiles a pattern.
    ///
    /// - Throws: ``PatternError`` with the place of what cannot be read.
    public init(_ pattern: String) throws(PatternError) {
        var parser = PatternParser(pattern)
        let node = try parser.parse()
        names = parser.groups
        program = try PatternProgram(node, groups: names.count)
    }

    /// Whether a group has a name.
    public var hasNamedGroup: Bool { names.contains { $0 != nil } }

    /// Whether the pattern is found in a text.
    public func isFound(in text: some Collection<UInt8>) -> Bool {
        var machine = PatternMachine(program, Self.scalars(text), remembers: false)
        return machine.run() != nil
    }

    /// The named groups that took part in the first match; nil when there is none.
    public func namedGroups(in text: some Collection<UInt8>) -> [(name: String, text: String)]? {
        let scalars = Self.scalars(text)
        var machine = PatternMachine(program, scalars, remembers: true)
        guard let places = machine.run() else { return nil }
        return names.enumerated().compactMap { number, name in
            let (start, end) = (places[2 * number], places[2 * number + 1])
            guard let name, start >= 0, end >= start else { return nil }
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars[start..<end].compactMap(Unicode.Scalar.init))
            return (name, text)
        }
    }

    private static func scalars(_ text: some Collection<UInt8>) -> [UInt32] {
        String(decoding: text.prefix(longestText), as: UTF8.self).unicodeScalars.map(\.value)
    }
}
