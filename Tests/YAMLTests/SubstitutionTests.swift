// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite struct SubstitutionTests {
    static let environment = [
        "STRING_VALUE": "value", "BOOL_VALUE": "true", "INT_VALUE": "1", "FLOAT_VALUE": "1.1",
        "HEX_VALUE": "0xdeadbeef", "INVALID_MAP_VALUE": "value\nkey:value", "DO_NOT_REPLACE_ME": "Never use this value",
        "REPLACE_ME": "${DO_NOT_REPLACE_ME}", "VALUE_WITH_ESCAPE": "value$$", "EMPTY": "", "LIST": "[a, b]",
        "OCTAL_LOOKING": "0123",
    ]

    /// The table of OpenTelemetry's configuration data model, "Environment variable substitution", and our own rows.
    static let rows: [(yaml: String, text: String, value: ResolvedValue)] = [
        ("${STRING_VALUE}", "value", .string),
        ("${BOOL_VALUE}", "true", .boolean(true)),
        ("${INT_VALUE}", "1", .integer(1)),
        ("${FLOAT_VALUE}", "1.1", .float(1.1)),
        ("${HEX_VALUE}", "0xdeadbeef", .integer(3_735_928_559)),
        (#""${STRING_VALUE}""#, "value", .string),
        (#""${BOOL_VALUE}""#, "true", .string),
        (#""${INT_VALUE}""#, "1", .string),
        (#""${FLOAT_VALUE}""#, "1.1", .string),
        (#""${HEX_VALUE}""#, "0xdeadbeef", .string),
        ("${env:STRING_VALUE}", "value", .string),
        ("${INVALID_MAP_VALUE}", "value\nkey:value", .string),
        ("foo ${STRING_VALUE} ${FLOAT_VALUE}", "foo value 1.1", .string),
        ("${UNDEFINED_KEY:-fallback}", "fallback", .string),
        ("${REPLACE_ME}", "${DO_NOT_REPLACE_ME}", .string),
        ("${UNDEFINED_KEY:-${STRING_VALUE}}", "${STRING_VALUE}", .string),
        ("$${STRING_VALUE}", "${STRING_VALUE}", .string),
        ("$$${STRING_VALUE}", "$value", .string),
        ("$$$${STRING_VALUE}", "$${STRING_VALUE}", .string),
        ("$${STRING_VALUE:-fallback}", "${STRING_VALUE:-fallback}", .string),
        ("$${STRING_VALUE:-${STRING_VALUE}}", "${STRING_VALUE:-value}", .string),
        ("${VALUE_WITH_ESCAPE}", "value$$", .string),
        ("a $$ b", "a $ b", .string),
        ("a $ b", "a $ b", .string),
        // Beyond the table.
        ("$STRING_VALUE", "$STRING_VALUE", .string),
        ("cost$", "cost$", .string),
        ("${EMPTY}", "", .null),
        ("${EMPTY:-5}", "5", .integer(5)),
        ("${UNDEFINED_KEY:-}", "", .null),
        (#""${UNDEFINED_KEY:-}""#, "", .string),
        ("${INT_VALUE}${INT_VALUE}", "11", .integer(11)),
        ("${STRING_VALUE:-unused}", "value", .string),
        ("${STRING_VALUE:-${INT_VALUE}}", "value", .string),
        ("${LIST}", "[a, b]", .string),
        ("${OCTAL_LOOKING}", "0123", .integer(123)),
        ("${env:U:-http://localhost:4318}", "http://localhost:4318", .string),
        ("'${env:U:-a b}'", "a b", .string),
        ("|-\n  x ${INT_VALUE}", "x 1", .string),
    ]

    @Test(arguments: rows)
    func `a reference is replaced by text and typed afterwards`(row: (yaml: String, text: String, value: ResolvedValue))
    {
        var parsed = Parsed("key: \(row.yaml)\n")
        parsed.substitute(Self.environment)
        #expect(parsed.findings == [])
        #expect(parsed.node?["key"]?.scalar?.text == row.text)
        #expect(parsed.node?["key"]?.scalar?.resolved == row.value)
    }

    static let problems: [(yaml: String, finding: String)] = [
        ("${UNDEFINED_KEY}", "unset-variable 1:6"),
        ("${STRING_VALUE:?error}", "invalid-reference 1:6"),
        ("${STRING_VALUE-x}", "invalid-reference 1:6"),
        ("${STRING_VALUE:+x}", "invalid-reference 1:6"),
        ("${1STRING_VALUE}", "invalid-reference 1:6"),
        ("${API_$KEY}", "invalid-reference 1:6"),
        ("${}", "invalid-reference 1:6"),
        ("${env:}", "invalid-reference 1:6"),
        ("${file:}", "invalid-reference 1:6"),
        ("${file:/x:-y}", "invalid-reference 1:6"),
        ("${yaml:a}", "unknown-scheme 1:6"),
        ("${http://x}", "unknown-scheme 1:6"),
        ("${ENV:STRING_VALUE}", "unknown-scheme 1:6"),
        ("${STRING_VALUE", "unclosed-reference 1:6"),
        // The specification leaves this one as it is; here an open `${` is never literal.
        ("${UNDEFINED_KEY:-$${UNDEFINED_KEY}}", "unclosed-reference 1:6"),
        ("${file:/missing}", "unreadable-file 1:6"),
        (#""é\t${UNDEFINED_KEY}""#, "unset-variable 1:10"),
        ("a ${STRING_VALUE} ${UNDEFINED_KEY}", "unset-variable 1:24"),
        ("|\n  text\n  and ${UNDEFINED_KEY}", "unset-variable 3:7"),
        (#""\x24{UNDEFINED_KEY}""#, "unset-variable 1:6"),
    ]

    @Test(arguments: problems)
    func `a bad reference is an error at its place`(row: (yaml: String, finding: String)) {
        var parsed = Parsed("key: \(row.yaml)\n")
        parsed.substitute(Self.environment)
        #expect(parsed.findings == [row.finding])
        #expect(parsed.node?["key"]?.scalar?.isUnresolved == true)
    }

    @Test func `every bad reference of a value is reported`() {
        var parsed = Parsed("key: ${A} and ${B}\nlist: ['${C}']\n")
        parsed.substitute([:])
        #expect(parsed.findings == ["unset-variable 1:6", "unset-variable 1:15", "unset-variable 2:9"])
    }

    @Test func `keys are left alone`() {
        var parsed = Parsed("${STRING_VALUE}: value\n")
        parsed.substitute(Self.environment)
        #expect(parsed.node?["${STRING_VALUE}"]?.scalar?.text == "value")
    }

    @Test func `an unset variable suggests a name but shows no value`() {
        var parsed = Parsed("key: ${API_KY}\n")
        parsed.substitute(["API_KEY": "hunter2"])
        #expect(
            parsed.diagnostics.rendered() == """
                config.yaml:1:6: error[unset-variable]: the environment variable API_KY is not set
                   1 | key: ${API_KY}
                     |      ^^^^^^^^^
                   help: did you mean "API_KEY"?
                1 error

                """
        )
    }

    @Test func `a file is read without its last line break`() {
        var parsed = Parsed("a: ${file:~/token}\nb: x${file:/abs}y\nc: '${file:/two}'\nd: ${file:/crlf}\n")
        parsed.substitute(
            [:],
            home: "/home/me",
            files: [
                "/home/me/token": "t0ken\n", "/abs": "5", "/two": "a\n\n", "/crlf": "z\r\n",
            ]
        )
        #expect(parsed.findings == [])
        #expect(["a", "b", "c", "d"].map { parsed.node?[$0]?.scalar?.text } == ["t0ken", "x5y", "a\n", "z"])
    }

    @Test func `a file that is not text is an error`() {
        var diagnostics = Diagnostics()
        let substitution = Substitution(environment: [:]) { _ in [0xFF, 0xFE] }
        let scalar = Node.scalar(Scalar("${file:/bin}", mark: Mark(file: "f", line: 1, column: 1)))
        _ = substitution.resolve(scalar, diagnostics: &diagnostics)
        #expect(diagnostics.findings == ["unreadable-file 1:1"])
    }

    @Test func `a value remembers the reference it came from`() {
        var parsed = Parsed("a: x-${INT_VALUE}\nb: literal\nc: $$\n")
        parsed.substitute(Self.environment)
        #expect(parsed.node?["a"]?.scalar?.reference == "x-${INT_VALUE}")
        #expect(parsed.node?["a"]?.scalar?.isSecretSource == true)
        #expect(parsed.node?["b"]?.scalar?.isSecretSource == false)
        #expect(parsed.node?["c"]?.scalar?.isSecretSource == false)
    }
}
