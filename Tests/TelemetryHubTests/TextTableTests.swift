// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import Testing

@testable import TelemetryHub

struct TextTableTests {
    private static let utf8 = ["LANG": "en_US.UTF-8"]

    private let table = TextTable(
        columns: [.init(title: "Model"), .init(title: "Calls", isNumber: true)],
        rows: [
            .init(cells: ["claude", "1"]), .init(cells: ["o3", "1,200"]),
            .init(cells: ["Total", "1,201"], isTotal: true),
        ]
    )

    @Test func `columns are aligned under their titles and numbers to the right`() {
        let text = table.text(width: 80, style: Style(isTerminal: false, environment: Self.utf8))
        #expect(
            text == """
                Model   Calls
                ─────────────
                claude      1
                o3      1,200
                ─────────────
                Total   1,201

                """
        )
    }

    @Test(arguments: [
        (30, ["Model            Calls", "claude-opus-4-5   9999", "o3                  10"]),
        (16, ["Model      Calls", "claude-o~   9999", "o3            10"]),
        (15, ["Model     Calls", "claude-~   9999", "o3           10"]),
        (3, ["Model     Calls", "claude-~   9999", "o3           10"]),
    ])
    func `text gives way to numbers`(width: Int, expected: [String]) {
        let table = TextTable(
            columns: [.init(title: "Model"), .init(title: "Calls", isNumber: true)],
            rows: [.init(cells: ["claude-opus-4-5", "9999"]), .init(cells: ["o3", "10"])]
        )
        let lines = table.text(width: width, style: Style(isTerminal: false, environment: [:])).split(separator: "\n")
        #expect(lines.filter { !$0.hasPrefix("-") } == expected.map { $0[...] })
    }

    @Test(arguments: [
        (45, ["Model", "Agent", "Calls", "Cost"]), (40, ["Model", "Agent", "Cost"]), (20, ["Model", "Cost"]),
    ])
    func `columns that matter less go where there is no room for all`(width: Int, titles: [Substring]) {
        var table = TextTable(columns: [
            .init(title: "Model"), .init(title: "Agent", rank: 1), .init(title: "Calls", isNumber: true, rank: 2),
            .init(title: "Cost", isNumber: true),
        ])
        table.rows = [.init(cells: ["claude-opus-4-5-20251101", "codex", "9", "$0.10"])]
        let lines = table.text(width: width, style: .plain).split(separator: "\n")
        #expect(lines[0].split(separator: " ") == titles)
        #expect(lines.allSatisfy { $0.count <= width })
    }

    @Test func `signs that are two columns wide keep the columns straight`() {
        let names = ["修复错误", "fix-bug", "e\u{301}te\u{301}"]
        var table = TextTable(columns: [.init(title: "Session"), .init(title: "Calls", isNumber: true)])
        table.rows = names.map { .init(cells: [$0, "7"]) }
        let lines = table.text(width: 80, style: .plain).split(separator: "\n").dropFirst(2)
        #expect(lines == ["修复错误      7", "fix-bug       7", "e\u{301}te\u{301}           7"])
        #expect("修复错误".beginning(columns: 5) == "修复")
    }

    @Test func `programs get tabs, titles only when asked for, and no signs that steer`() {
        let table = ProgramTable(titles: ["model", "calls"], rows: [["a\tb", "1200"], ["o3", "1"]])
        #expect(table.tabbed(header: false) == "a b\t1200\no3\t1\n")
        #expect(table.tabbed(header: true) == "model\tcalls\na b\t1200\no3\t1\n")
    }

    @Test(arguments: [
        (OutputOptions.ColorChoice.always, ["NO_COLOR": "1"], true), (.never, ["FORCE_COLOR": "1"], false),
        (.auto, [:], false),
    ])
    func `what was said on the command line counts more than the environment`(
        choice: OutputOptions.ColorChoice,
        environment: [String: String],
        color: Bool
    ) {
        #expect(Style(isTerminal: false, environment: environment, color: choice).hasColor == color)
    }

    @Test(arguments: [
        (true, utf8, true, true), (false, utf8, false, true), (true, [:], true, false),
        (true, ["LC_ALL": "C", "LANG": "de_DE.UTF-8"], true, false),
        (true, ["NO_COLOR": "1"], false, false), (true, ["NO_COLOR": ""], true, false),
        (true, ["TERM": "dumb"], false, false),
        (false, ["FORCE_COLOR": "1"], true, false), (false, ["FORCE_COLOR": "0"], false, false),
        (false, ["FORCE_COLOR": "1", "NO_COLOR": "1"], false, false),
    ])
    func `colours and signs follow the terminal`(
        isTerminal: Bool,
        environment: [String: String],
        color: Bool,
        unicode: Bool
    ) {
        let style = Style(isTerminal: isTerminal, environment: environment)
        #expect(style.hasColor == color)
        #expect(style.hasUnicode == unicode)
        #expect(style.bold("x") == (color ? "\u{1B}[1mx\u{1B}[0m" : "x"))
        #expect(style.rule == (unicode ? "─" : "-"))
    }

    @Test func `no value steers the terminal that shows it`() {
        let value = "a\u{1B}[31m\u{202E}b\u{9B}\u{200F}\n\u{E0001}c"
        var table = ProgramTable(titles: ["Name"])
        table.rows = [[value]]
        #expect(table.csv(isTerminal: false) == "Name\r\n\"\(value)\"\r\n")
        #expect(table.csv(isTerminal: true) == "Name\r\na [31m b    c\r\n")
        let json = "{\"a\":\"\u{202E}\u{9B}\u{7F}\u{E0001}ü\"}\n"
        #expect(json.escapingInvisibles == "{\"a\":\"\\u202e\\u009b\\u007f\\udb40\\udc01ü\"}\n")
    }

    @Test(arguments: [
        ("laptop", true), ("Zoë's laptop (2)", true), ("", false), (" ", false), ("a\nb", false), ("a\u{1B}[2J", false),
        ("\u{202E}nimda", false), ("a\u{200B}b", false), ("a\u{2028}b", false),
    ])
    func `a key has a name that can be shown as it is`(name: String, isName: Bool) {
        #expect(APIKeysConfig.isName(name) == isName)
    }
}
