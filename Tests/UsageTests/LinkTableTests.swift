// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// The table of the targets of the newest links.
struct LinkTableTests {
    @Test(arguments: 1...8)
    func `it has the contents of a dictionary, after any additions and removals`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var (table, expected) = (LinkTable(), [LedgerLink: Int64]())
        for step in 0..<20_000 {
            // Few links, so that most occur again; small numbers are adjacent, including zero.
            let link = LedgerLink(rawValue: UInt64.random(in: 0..<(1_500 * seed), using: &random))
            let value = step % 3 == 2 ? nil : Int64(step)
            table[link] = value
            expected[link] = value
            #expect(table[link] == value)
        }
        var found: [LedgerLink: Int64] = [:]
        table.forEach { found[$0] = $1 }
        #expect(found == expected)
        for number in 0..<(1_500 * seed) {
            let link = LedgerLink(rawValue: number)
            guard table[link] == expected[link] else {
                Issue.record("\(number) leads to \(String(describing: table[link]))")
                return
            }
        }
    }

    @Test func `a number stays where one is, and bits come together`() {
        var random = SeededGenerator(seed: 21)
        var (table, expected) = (LinkTable(), [LedgerLink: Int64]())
        var (bits, expectedBits) = (LinkTable(), [LedgerLink: Int64]())
        for step in Int64(1)...20_000 {
            let link = LedgerLink(rawValue: UInt64.random(in: 0..<5_000, using: &random))
            #expect(table.value(of: link, orInsert: step) == expected[link])
            if expected[link] == nil { expected[link] = step }
            #expect(table[link] == expected[link])
            bits.formUnion(1 << (step % 40), under: link)
            expectedBits[link, default: 0] |= 1 << (step % 40)
            #expect(bits[link] == expectedBits[link])
        }
    }
}
