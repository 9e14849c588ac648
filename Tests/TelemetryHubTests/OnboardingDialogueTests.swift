// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TelemetryHub

struct OnboardingDialogueTests {
    private var choice: MultiSelect {
        MultiSelect(
            items: ["Claude Code", "Codex", "Cursor"].map { MultiSelect.Item(title: $0, remark: "~/x") },
            chosen: [1]
        )
    }

    @Test func `keys move the cursor and choose`() {
        var choice = choice
        #expect(choice.cursor == 1)
        for key in [Key.down, .sign(" "), .down, .sign(" "), .up, .sign(" ")] { choice.press(key) }
        #expect(choice.cursor == 2 && choice.chosen == [0, 1])
        for key in [Key.sign("2"), .sign("9"), .sign("x"), .other, .escape] { choice.press(key) }
        #expect(choice.cursor == 1 && choice.chosen == [0])
        choice.press(.sign("a"))
        #expect(choice.chosen == [0, 1, 2])
        choice.press(.sign("a"))
        #expect(choice.chosen == [])
    }

    @Test func `the list fits into its width`() {
        let style = Style(isTerminal: false, environment: [:])
        #expect(
            choice.lines(width: 80, style: style) == [
                "  [ ] 1 Claude Code  ~/x", "> [x] 2 Codex        ~/x", "  [ ] 3 Cursor       ~/x",
            ]
        )
        #expect(choice.lines(width: 22, style: style).allSatisfy { $0.count <= 22 })
    }

    @Test(arguments: [
        ("1,3", [0, 2]), ("2 3", [1, 2]), ("all", [0, 1, 2]), ("none", []), ("4", nil), ("0", nil), ("x", nil),
        (",", nil),
    ])
    func `numbers name a choice`(text: String, chosen: [Int]?) {
        #expect(choice.named(by: text) == chosen.map(Set.init))
    }

    @Test func `the sockets of a port are found in the kernel's table`() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:10DE 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17123 1 0 100
               1: 0100007F:10DE 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 17124 1 0 100
               2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 900 1 0 100
            """
        #expect(ListeningProcess.sockets(in: table, port: 4_318) == ["17123"])
        #expect(ListeningProcess.sockets(in: table, port: 22) == ["900"])
        #expect(ListeningProcess.sockets(in: "", port: 22) == [])
    }

    @Test func `findings are counted, and each says what to do`() {
        let report = DoctorReport([
            Finding(check: "port 4318", level: .error, message: "x listens there", next: "stop it"),
            Finding(check: "disk", level: .ok, message: "1 GiB"),
            Finding(check: "codex", level: .warning, message: "\u{1B}quiet"),
        ])
        #expect(
            report.text(columns: 80, style: Style(isTerminal: false, environment: [:])) == """
                error    port 4318  x listens there
                                    stop it
                ok       disk       1 GiB
                warning  codex      quiet

                1 error, 1 warning

                """
        )
    }

    @Test func `findings end their lines between words`() {
        let report = DoctorReport([
            Finding(
                check: "disk",
                level: .warning,
                message: "the disk has little room left",
                next: "make room on the disk, soon"
            )
        ])
        #expect(
            report.text(columns: 46, style: Style(isTerminal: false, environment: [:])) == """
                warning  disk  the disk has little room left
                               make room on the disk, soon

                0 errors, 1 warning

                """
        )
        #expect(
            report.text(columns: 20, style: Style(isTerminal: false, environment: [:])).hasPrefix(
                "warning  disk  the disk has little room left\n"
            )
        )
    }

    @Test func `a warning is never quieter than what is all right`() {
        let findings = [
            Finding(check: "a", level: .ok, message: "m"), Finding(check: "b", level: .warning, message: "m"),
        ]
        let style = Style(isTerminal: true, environment: [:], color: .always)
        let lines = DoctorReport(findings).text(columns: 80, style: style).split(separator: "\n")
        #expect(lines[0].hasPrefix("\u{1B}[32mok"))
        #expect(lines[1].hasPrefix("\u{1B}[1m\u{1B}[33mwarning"))
    }

    @Test func `prose goes on in the next line between words, a little further to the right`() {
        #expect(
            "hammurabi: no collector answers there\n  help: start it with hammurabi run\n".prose(width: 25) == """
                hammurabi: no collector
                  answers there
                  help: start it with
                    hammurabi run

                """
        )
        #expect("short\n".prose(width: 80) == "short\n")
    }
}
