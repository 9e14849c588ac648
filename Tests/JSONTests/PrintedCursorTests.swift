// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

struct PrintedCursorTests {
    /// A text, what is between the quotes at its beginning, and what comes behind them.
    @Test(arguments: [
        (#""a b": 1"#, "a b", ": 1"), (#"'it\'s' x"#, #"it\'s"#, " x"), (#"'say "hi"'"#, #"say "hi""#, ""),
        (#""\\"x"#, #"\\"#, "x"), ("''", "", ""),
    ])
    func `a text in quotes ends at the same quote`(text: String, content: String, rest: String) {
        var cursor = PrintedCursor(Array(text.utf8)[...])
        let quoted = cursor.quoted()
        #expect(quoted.map { String(decoding: $0, as: UTF8.self) } == content)
        #expect(String(decoding: cursor.text[cursor.position...], as: UTF8.self) == rest)
    }

    @Test(arguments: ["'", "'a", #"'a\'"#, #""\"#, ""])
    func `a text without an end is none, and nothing of it is read`(text: String) {
        var cursor = PrintedCursor(Array(text.utf8)[...])
        let quoted = cursor.quoted()
        #expect(quoted == nil && cursor.position == 0)
    }

    @Test(arguments: [("<Kind.A: 1>, x", ", x"), ("<a <b> c>", ""), ("<>z", "z")])
    func `an object in angle brackets may hold others`(text: String, rest: String) {
        var cursor = PrintedCursor(Array(text.utf8)[...])
        let isWhole = cursor.skipAngles()
        #expect(isWhole)
        #expect(String(decoding: cursor.text[cursor.position...], as: UTF8.self) == rest)
        var torn = PrintedCursor(Array("<a <b>".utf8)[...])
        let isTornWhole = torn.skipAngles()
        #expect(!isTornWhole && torn.position == 0)
    }

    @Test func `words have digits, dots and letters beyond ASCII`() {
        var cursor = PrintedCursor(Array("litellm.Usage_2é(x)".utf8)[...])
        let (word, none) = (cursor.word(), cursor.word())
        #expect(String(decoding: word, as: UTF8.self) == "litellm.Usage_2é")
        #expect(none.isEmpty && cursor.next == UInt8(ascii: "("))
        cursor = PrintedCursor(Array("b'x' \t= 1".utf8)[...])
        #expect(cursor.isAtPrefix)
        cursor.position += 1
        #expect(!cursor.isAtPrefix)
        let text = cursor.quoted()
        #expect(text?.count == 1 && cursor.nextSign == UInt8(ascii: "="))
        let (isColon, isEqual) = (cursor.skip(":"), cursor.skip("="))
        #expect(!isColon && isEqual)
    }
}
