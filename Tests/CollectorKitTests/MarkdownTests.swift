// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing

struct MarkdownTests {
    @Test(
        arguments: [
            ("a `b` c", [.text("a "), .code("b"), .text(" c")]),
            ("``a `b` c``", [.code("a `b` c")]),
            ("**a** b", [.strong("a"), .text(" b")]),
            ("[a](b) c", [.link("a", to: "b"), .text(" c")]),
            ("gen_ai.* and `open", [.text("gen_ai.* and `open")]),
            ("`` `a` [b] ****", [.text("`` "), .code("a"), .text(" [b] ****")]),
            ("", []),
        ] as [(String, [Markdown.Span])]
    )
    func `a line has code, strong words and links`(text: String, spans: [Markdown.Span]) {
        #expect(Markdown.spans(of: text) == spans)
    }

    @Test func `every kind of block is read`() {
        let text = """
            # One
            two
            three
            - four
              five
            - six
            | a | b |
            | --- | --- |
            | c \\| d |
            | e | f | g |
            ####### seven

            ```yaml
            # eight
            - nine
            """
        let blocks: [Markdown.Block] = [
            .heading(1, "One"), .paragraph("two three"), .list(["four five", "six"]),
            .table(["a", "b"], [["c | d", ""], ["e", "f"]]), .paragraph("####### seven"),
            .code("yaml", ["# eight", "- nine"]),
        ]
        #expect(Markdown(text).blocks == blocks)
    }

    @Test func `any text can be read, and nothing of it is lost`() {
        var random = SystemRandomNumberGenerator()
        let parts = ["a", " ", "\n", "#", "|", "-", "`", "*", "[", "](", ")", "\\", "é", "\r\n"]
        for _ in 0..<2_000 {
            let text = (0..<random.next(upperBound: 40 as UInt)).compactMap { _ in parts.randomElement() }.joined()
            _ = Markdown(text)
            let written = Markdown.spans(of: text).map { span in
                switch span {
                case .text(let text), .code(let text), .strong(let text): text
                case .link(let text, let target): text + target
                }
            }.joined()
            #expect(written.filter { "aé".contains($0) } == text.filter { "aé".contains($0) })
        }
    }
}
