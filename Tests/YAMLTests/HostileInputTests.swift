// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import YAML

@Suite struct HostileInputTests {
    @Test(.timeLimit(.minutes(1)), arguments: ["[", "{a: ", "- ", "[{a: "])
    func `ten thousand levels are refused, not followed`(opening: String) {
        let parsed = Parsed(String(repeating: opening, count: 10_000))
        #expect(parsed.node == nil)
        #expect(parsed.diagnostics.items.map(\.code) == ["too-deep"])
    }

    @Test(.timeLimit(.minutes(1)))
    func `billions of laughs are refused`() {
        var text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1...30 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let parsed = Parsed(text)
        #expect(parsed.node == nil)
        #expect(parsed.diagnostics.items.map(\.code) == ["too-many-nodes"])
    }

    @Test func `aliases count for the depth`() {
        var text = "a0: &a0 []\n"
        for level in 1...70 { text += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        #expect(Parsed(text).diagnostics.items.map(\.code) == ["too-deep"])
    }

    @Test func `a depth within the limit passes`() {
        let parsed = Parsed(String(repeating: "[", count: 64) + String(repeating: "]", count: 64))
        #expect(parsed.findings == [])
        #expect(
            Parsed(String(repeating: "[", count: 65) + String(repeating: "]", count: 65)).findings == ["too-deep 1:65"]
        )
    }

    @Test func `a file over the cap is refused without being read`() {
        let parsed = Parsed("a: " + String(repeating: "x", count: 1 << 20))
        #expect(parsed.findings == ["file-too-large 1:1"])
        #expect(!parsed.diagnostics.rendered().contains("xx"))
    }

    @Test func `a huge scalar within the cap passes`() {
        let text = String(repeating: "x", count: 1_000_000)
        #expect(Parsed("a: " + text).node?["a"]?.scalar?.text == text)
    }

    @Test func `more values than the limit are refused`() {
        #expect(Parsed("[1, 2, 3, 4]", limits: ParseLimits(nodes: 5)).findings == [])
        #expect(Parsed("[1, 2, 3, 4]", limits: ParseLimits(nodes: 4)).findings == ["too-many-nodes 1:11"])
    }

    static let notUTF8: [(bytes: [UInt8], finding: String)] = [
        (Array("a: 1\nb: ".utf8) + [0xFF], "invalid-utf8 2:4"),
        (Array("a: é".utf8) + [0xC3], "invalid-utf8 1:5"),
        ([0xC0, 0x80], "invalid-utf8 1:1"),
        (Array("a: ".utf8) + [0xED, 0xA0, 0x80], "invalid-utf8 1:4"),
        ([0xFE, 0xFF, 0x00, 0x61], "invalid-utf8 1:1"),
    ]

    @Test(arguments: notUTF8)
    func `invalid UTF-8 is refused at the first bad byte`(row: (bytes: [UInt8], finding: String)) {
        let parsed = Parsed(bytes: row.bytes)
        #expect(parsed.findings == [row.finding])
        #expect(parsed.node == nil)
    }

    @Test(.timeLimit(.minutes(1)))
    func `mutated configurations never crash, and their diagnostics can be rendered`() {
        var generator = SeededGenerator(seed: 42)
        let seed = Array(realisticConfig.utf8)
        for _ in 0..<2000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2:
                    bytes.insert(
                        Array("{}[]:,&*!|>%@`\"'#- \n\t$".utf8).randomElement(using: &generator) ?? 0,
                        at: index
                    )
                default: bytes.removeSubrange(index..<min(bytes.count, index + 20))
                }
            }
            var parsed = Parsed(bytes: bytes)
            parsed.substitute(["API_KEY": "s3cr3t-from-env"])
            _ = parsed.decode(over: GatewayConfig())
            let text = parsed.diagnostics.rendered()
            #expect(parsed.node != nil || parsed.diagnostics.hasErrors)
            #expect(!text.contains("s3cr3t-from-env"))
        }
    }
}
