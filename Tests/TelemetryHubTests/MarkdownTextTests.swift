// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing

@testable import TelemetryHub

struct MarkdownTextTests {
    private let style = Style(isTerminal: true, environment: ["LANG": "C.UTF-8", "NO_COLOR": "1"])

    @Test func `text is wrapped, code is not`() {
        let markdown = Markdown(
            """
            # otlp

            Takes `OTLP` over **HTTP**; see [the rules](../rules.md) and
            [the page](https://example.com/).

            - one two three four
              five
            - six

            ```sh
            a line that is far too long to fit into thirty columns

            ```
            """
        )
        #expect(
            MarkdownText(width: 30, style: style).text(of: markdown) == """
                otlp

                Takes `OTLP` over HTTP; see
                the rules and the page
                (https://example.com/).

                • one two three four five
                • six

                    a line that is far too long to fit into thirty columns


                """
        )
    }

    @Test(arguments: [
        (
            60,
            """
            key     default  meaning
            ────────────────────────────────────────────────────────────
            path    –        the file, by default telemetry.jsonl in the
                             home of the program
            format  text     text|json

            """
        ),
        (
            30,
            """
            path  –
                the file, by default
                telemetry.jsonl in the
                home of the program
            format  text
                text|json

            """
        ),
    ])
    func `a table has columns where there is room`(width: Int, text: String) {
        let markdown = Markdown(
            """
            | key | default | meaning |
            | --- | :-: | --- |
            | `path` | – | the file, by default telemetry.jsonl in the home of the program |
            | `format` | `text` | text\\|json |
            """
        )
        #expect(MarkdownText(width: width, style: style).text(of: markdown) == text)
    }
}
