// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

/// The table under "Environment variable substitution" of OpenTelemetry's configuration data model, row by row.
@Suite struct SubstitutionTableTests {
    static let environment = [
        "STRING_VALUE": "value", "BOOL_VALUE": "true", "INT_VALUE": "1", "FLOAT_VALUE": "1.1",
        "HEX_VALUE": "0xdeadbeef", "INVALID_MAP_VALUE": "value\nkey:value", "DO_NOT_REPLACE_ME": "Never use this value",
        "REPLACE_ME": "${DO_NOT_REPLACE_ME}", "VALUE_WITH_ESCAPE": "value$$",
    ]

    /// The result of a document.
    enum Outcome: Sendable, Equatable {
        /// The value of `key:`, or its key, and its meaning.
        case value(String, ResolvedValue)
        /// A parse error, as in the table.
        case refused(String)
        /// The table replaces it; here it is an error, for the given reason.
        case deviates(String, because: String)
    }

    static let rows: [(document: String, outcome: Outcome)] = [
        ("key: ${STRING_VALUE}", .value("value", .string)),
        ("key: ${BOOL_VALUE}", .value("true", .boolean(true))),
        ("key: ${INT_VALUE}", .value("1", .integer(1))),
        ("key: ${FLOAT_VALUE}", .value("1.1", .float(1.1))),
        ("key: ${HEX_VALUE}", .value("0xdeadbeef", .integer(3_735_928_559))),
        (#"key: "${STRING_VALUE}""#, .value("value", .string)),
        (#"key: "${BOOL_VALUE}""#, .value("true", .string)),
        (#"key: "${INT_VALUE}""#, .value("1", .string)),
        (#"key: "${FLOAT_VALUE}""#, .value("1.1", .string)),
        (#"key: "${HEX_VALUE}""#, .value("0xdeadbeef", .string)),
        ("key: ${env:STRING_VALUE}", .value("value", .string)),
        ("key: ${INVALID_MAP_VALUE}", .value("value\nkey:value", .string)),
        ("key: foo ${STRING_VALUE} ${FLOAT_VALUE}", .value("foo value 1.1", .string)),
        (
            "key: ${UNDEFINED_KEY}",
            .deviates("unset-variable 1:6", because: "an unset variable is a slip more often than a wish for nothing")
        ),
        ("key: ${UNDEFINED_KEY:-fallback}", .value("fallback", .string)),
        ("${STRING_VALUE}: value", .value("${STRING_VALUE}", .string)),
        ("key: ${REPLACE_ME}", .value("${DO_NOT_REPLACE_ME}", .string)),
        ("key: ${UNDEFINED_KEY:-${STRING_VALUE}}", .value("${STRING_VALUE}", .string)),
        ("key: ${STRING_VALUE:?error}", .refused("invalid-reference 1:6")),
        ("key: $${STRING_VALUE}", .value("${STRING_VALUE}", .string)),
        ("key: $$${STRING_VALUE}", .value("$value", .string)),
        ("key: $$$${STRING_VALUE}", .value("$${STRING_VALUE}", .string)),
        ("key: $${STRING_VALUE:-fallback}", .value("${STRING_VALUE:-fallback}", .string)),
        ("key: $${STRING_VALUE:-${STRING_VALUE}}", .value("${STRING_VALUE:-value}", .string)),
        (
            "key: ${UNDEFINED_KEY:-$${UNDEFINED_KEY}}",
            .deviates("unclosed-reference 1:6", because: "an open ${ is never literal, or a slip would go unseen")
        ),
        ("key: ${VALUE_WITH_ESCAPE}", .value("value$$", .string)),
        ("key: a $$ b", .value("a $ b", .string)),
        ("key: a $ b", .value("a $ b", .string)),
    ]

    @Test func `the table is whole`() {
        #expect(Self.rows.count == 28)
    }

    @Test(arguments: rows)
    func `a row of the table holds`(row: (document: String, outcome: Outcome)) throws {
        var parsed = Parsed(row.document + "\n")
        parsed.substitute(Self.environment)
        let entry = try #require(parsed.node?.mapping?.entries.first)
        switch row.outcome {
        case .value(let text, let value):
            let scalar = entry.key.text == "key" ? entry.value.scalar : entry.key
            #expect(parsed.findings == [])
            #expect(scalar?.text == text)
            #expect(scalar?.resolved == value)
        case .refused(let finding), .deviates(let finding, _):
            #expect(parsed.findings == [finding])
            #expect(parsed.diagnostics.hasErrors)
            #expect(entry.value.scalar?.isUnresolved == true)
        }
    }
}
