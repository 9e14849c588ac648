// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CollectorKit

/// Regular expressions: what they find, and that no text makes them slow.
@Suite struct PatternTests {
    static let searches: [(String, String, Bool)] = [
        ("", "anything", true), ("b", "abc", true), ("^b", "abc", false), ("c$", "abc", true), ("^abc$", "abc", true),
        ("^$", "", true), ("^$", "x", false), ("a.c", "abc", true), ("a.c", "a\nc", false), ("(?s)a.c", "a\nc", true),
        ("a|b|cd", "xcd", true), ("^(a|b)+$", "abba", true), ("^(a|b)+$", "abca", false), ("^a*$", "", true),
        ("^a+$", "", false), ("^ab?c$", "ac", true), ("^a{2,3}$", "aa", true), ("^a{2,3}$", "aaaa", false),
        ("^a{2}$", "aaa", false), ("^a{2,}$", "aaaaa", true), ("a{,2}", "a{,2}", true), ("x{", "x{", true),
        (#"^\d+\.\d+$"#, "12.5", true), (#"^\d+\.\d+$"#, "12x5", false), (#"\w\W\s\S\D"#, "a- bc", true),
        (#"\bfoo\b"#, "a foo b", true), (#"\bfoo\b"#, "afoo", false), (#"o\B"#, "foo", true), (#"\Aab\z"#, "ab", true),
        ("[a-c]+$", "xyzabc", true), ("^[^a-c]+$", "xyz", true), ("^[^a-c]+$", "xaz", false), ("[]x]", "]", true),
        ("[a-]", "-", true), (#"[\d.]+$"#, "1.2", true), ("^[[:alpha:]]+$", "abC", true),
        ("^[^[:digit:]]$", "5", false),
        ("(?i)HELLO", "Hello", true), ("(?i)[a-c]x", "BX", true), ("(?i)[^a]", "A", false), ("(?i)Ä", "ä", true),
        ("(?i:a)b", "Ab", true), ("(?i:a)b", "AB", false), ("a(?i)b", "aB", true), ("(?m)^b$", "a\nb\nc", true),
        (#"\bfoo"#, "--- foo", true),
        ("^b$", "a\nb\nc", false), ("(?:ab)+c", "ababc", true), ("(a*)*b", "aaac", false),
        ("(a|ab)(c|bcd)$", "abcd", true),
        (#"\x41\x{1F600}"#, "A😀", true), (".", "😀", true), ("^.$", "😀", true), ("é+", "caféé", true),
        ("a*?b", "aab", true),
        (#"\."#, "x", false), (#"\Q"#, "", false), ("(?-i)a", "A", false),
    ]

    @Test(arguments: searches)
    func `a search`(pattern: String, text: String, isFound: Bool) throws {
        guard pattern != #"\Q"# else {
            #expect(throws: PatternError(reason: "\\Q is not supported", position: 0)) { try TextPattern(pattern) }
            return
        }
        #expect(try TextPattern(pattern).isFound(in: text.utf8) == isFound)
    }

    static let captures: [(String, String, [String]?)] = [
        ("(?P<a>[a-z]+)-(?<b>[0-9]+)", "x foo-12", ["a=foo", "b=12"]), ("(?P<a>x)|(?P<b>y)", "y", ["b=y"]),
        ("(?P<a>a+?)(?P<b>a*)", "aaa", ["a=a", "b=aa"]), ("(?P<a>a+)(?P<b>a*)", "aaa", ["a=aaa", "b="]),
        ("(?P<a>a|ab)", "ab", ["a=a"]), ("(?P<last>[abc])+", "abc", ["last=c"]), ("(x)(?P<y>y)", "xy", ["y=y"]),
        ("(?P<a>q)", "none", nil), ("(?P<a>é.)", "caféx", ["a=éx"]), ("(?P<a>^|b)", "ab", ["a="]),
    ]

    @Test(arguments: captures)
    func `the groups of the leftmost match`(pattern: String, text: String, groups: [String]?) throws {
        let found = try TextPattern(pattern).namedGroups(in: text.utf8)
        #expect(found?.map { "\($0.name)=\($0.text)" } == groups)
    }

    @Test(arguments: [
        ("(", "a group is not closed at character 2"), (")", "a parenthesis closes that was not opened at character 1"),
        ("[a", "a bracket is not closed at character 3"), ("*a", "there is nothing to repeat at character 1"),
        ("a**", "a repetition is repeated at character 4"),
        ("a{3,2}", "a repetition must go from fewer to more, up to 1000 at character 7"),
        ("a{1001}", "a repetition must go from fewer to more, up to 1000 at character 8"),
        ("[z-a]", "a range must go from a character to a later one at character 5"),
        ("(?=a)", "looking ahead is not supported at character 3"),
        ("(?<=a)", "looking behind is not supported at character 4"),
        ("(?P<a>x)(?P<a>y)", "two groups have the name \"a\" at character 15"),
        ("(?P<é>x)", "a group's name is made of letters, digits and _ at character 5"),
        (#"\1"#, "\\1 is not supported at character 1"), (#"\p{L}"#, "\\p is not supported at character 1"),
        (#"a\"#, "the pattern ends in a backslash at character 3"),
        ("((a{100}){100}){100}", "the pattern is too large at character 1"),
        ("(?x)a", "the flags are i, m and s at character 3"),
        (#"\xZZ"#, "\\x needs two hexadecimal digits, or some in braces at character 3"),
        (
            "[[:nonsense:]]",
            "the sets of letters are alnum, alpha, digit, lower, upper, space, word, punct, xdigit at character 2"
        ),
    ])
    func `a pattern that cannot be read`(pattern: String, message: String) {
        let error = #expect(throws: PatternError.self) { try TextPattern(pattern) }
        #expect(error?.description == message)
    }

    /// Patterns that take a backtracking search longer than a lifetime; the test passes when it ends.
    @Test(arguments: [
        "^(a+)+$", "(a|aa)+$", "(.*)(.*)(.*)(.*)x", "(a*)*b", ".*password.*", "(x+x+)+y", "a{0,50}a{0,50}b",
    ])
    func `no text makes a search slow`(pattern: String) throws {
        let text = String(repeating: "a", count: 4_000) + "!"
        #expect(try !TextPattern(pattern).isFound(in: text.utf8))
        #expect(try TextPattern(pattern).namedGroups(in: text.utf8) == nil)
    }

    @Test func `random patterns are read or refused`() throws {
        let pieces = Array("abc()[]{}*+?|^$.\\-,2:<>=!PimsxdwWé").map(String.init)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let text = (0..<Int.random(in: 1...10, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            .joined()
            do throws(PatternError) {
                let pattern = try TextPattern(text)
                let isFound = pattern.isFound(in: "ab(c)".utf8)
                #expect(isFound == (pattern.namedGroups(in: "ab(c)".utf8) != nil), "\(text)")
            } catch {
                #expect((0...text.unicodeScalars.count).contains(error.position), "\(text)")
            }
        }
    }

    @Test func `bytes that are no text are searched as well`() throws {
        #expect(try TextPattern("b").isFound(in: [0xff, 0xc3, 98]))
    }
}
