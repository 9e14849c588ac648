// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite struct CoreSchemaTests {
    static let rows: [(text: String, value: ResolvedValue)] = [
        ("", .null), ("~", .null), ("null", .null), ("Null", .null), ("NULL", .null), ("nULL", .string),
        ("true", .boolean(true)), ("True", .boolean(true)), ("FALSE", .boolean(false)), ("tRUE", .string),
        ("yes", .string), ("no", .string), ("on", .string), ("Off", .string), ("y", .string),
        ("0", .integer(0)), ("-0", .integer(0)), ("+12", .integer(12)), ("0123", .integer(123)), ("08", .integer(8)),
        ("0o17", .integer(15)), ("0o18", .string), ("-0o7", .string), ("0x1F", .integer(31)),
        ("0xdeadbeef", .integer(3_735_928_559)),
        ("0x", .string), ("0xG", .string), ("0b1", .string), ("1_000", .string), ("12:30", .string), ("1 2", .string),
        ("170141183460469231731687303715884105727", .integer(.max)),
        ("170141183460469231731687303715884105728", .integer(nil)),
        ("1.5", .float(1.5)), ("-.5", .float(-0.5)), ("5.", .float(5)), ("1e3", .float(1000)), ("1E-2", .float(0.01)),
        ("+1.5e+2", .float(150)), (".", .string), ("e3", .string), ("1e", .string), ("1.2.3", .string), ("-", .string),
        ("+", .string), (".inf", .float(.infinity)), ("-.INF", .float(-.infinity)), ("+.Inf", .float(.infinity)),
        ("inf", .string), ("nan", .string), ("infinity", .string), ("0x1p3", .string), ("١٢", .string),
    ]

    @Test(arguments: rows)
    func `a plain scalar resolves by the core schema of YAML 1_2`(row: (text: String, value: ResolvedValue)) {
        let mark = Mark(file: "f", line: 1, column: 1)
        #expect(Scalar(row.text, mark: mark).resolved == row.value)
    }

    @Test func `not a number is a float`() {
        guard case .float(let value) = Scalar(".nan", mark: Mark(file: "f", line: 1, column: 1)).resolved else {
            Issue.record("not a float")
            return
        }
        #expect(value.isNaN)
    }

    @Test func `quotes and tags win over the text`() {
        let parsed = Parsed("a: '5'\nb: !!str 5\nc: !!int \"5\"\nd: ! 5\ne: |\n  5\nf: !!float 5\n")
        let resolved = ["a", "b", "c", "d", "e", "f"].map { parsed.node?[$0]?.scalar?.resolved }
        #expect(resolved == [.string, .string, .integer(5), .string, .string, .integer(5)])
        #expect(parsed.findings == [])
    }
}
