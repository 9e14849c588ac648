// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite struct SubstitutionTests {
    static let environment = [
        "STRING_VALUE": "value", "INT_VALUE": "1", "EMPTY": "", "LIST": "[a, b]", "OCTAL_LOOKING": "0123",
    ]

    /// Cases that the table of OpenTelemetry's configuration data model does not contain; see `SubstitutionTableTests` for that.
    static let rows: [(yaml: String, text: String, value: ResolvedValue)] = [
        ("$UNSET_NAME", "$UNSET_NAME", .string),
        ("$5 and $", "$5 and $", .string),
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

    @Test func `a name behind a bare dollar stays and is worth a word when it is set`() {
        var parsed = Parsed("path: /x/$STRING_VALUE/$$STRING_VALUE/$UNSET\n")
        parsed.substitute(Self.environment)
        #expect(parsed.node?["path"]?.scalar?.text == "/x/$STRING_VALUE/$STRING_VALUE/$UNSET")
        #expect(parsed.node?["path"]?.scalar?.isSecretSource == false)
        #expect(parsed.findings == ["shell-variable 1:10"])
        #expect(!parsed.diagnostics.hasErrors)
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
