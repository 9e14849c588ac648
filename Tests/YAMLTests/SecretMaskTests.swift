// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import YAML

@Suite struct SecretMaskTests {
    static let rows: [(text: String, masked: String)] = [
        ("api_key: abc123", "api_key: ******"),
        (#"password: "a b""#, "password: ** **"),
        ("Authorization: Bearer xyz", "Authorization: ****** ***"),
        ("- key: abc", "- key: ***"),
        ("key_file: /etc/key", "key_file: /etc/key"),
        ("tokens:\n  rules: 5", "tokens:\n  rules: 5"),
        ("api_key: ${env:KEY}", "api_key: ${env:KEY}"),
        ("api_key: x${env:KEY}y", "api_key: *${env:KEY}*"),
        ("api_key: ${env:KEY:-abc}", "api_key: ***************"),
        ("headers:\n  X-Foo: bar\nnext: v", "headers:\n  X-Foo: ***\nnext: v"),
        ("headers:\n  # why\n  X-Foo:\n    - bar\nnext: v", "headers:\n  # why\n  X-Foo:\n    - ***\nnext: v"),
        ("token: |\n  line: one\n  two\nnext: v", "token: *\n  ***** ***\n  ***\nnext: v"),
        ("token: |\n  # one\n\n  two\nnext: v", "token: *\n  * ***\n\n  ***\nnext: v"),
        ("# token: abc\nnext: v", "# token: ***\nnext: v"),
        ("token:\n- one\n- two\nnext: v", "token:\n- ***\n- ***\nnext: v"),
        ("x: {api_key: abc, b: c}", "x: {api_key: **** ** **"),
        (#"x: {"api_key": abc}"#, #"x: {"api_key": ****"#),
        ("endpoint: https://user:pa@ss@host/path", "endpoint: https://**********@host/path"),
        ("exporters.a.headers.X=abc", "exporters.a.headers.X=***"),
        ("Client-Secret: abc", "Client-Secret: ***"),
        ("webhook: abc", "webhook: ***"),
    ]

    @Test(arguments: rows)
    func `a secret is masked in source lines`(row: (text: String, masked: String)) {
        let source = SourceFile(name: "f", text: row.text)
        let mask = SecretMask(source: source, keys: SecretKeys(adding: ["webhook"]))
        let lines = (1...source.lineCount).map { String(mask.line($0) ?? "".unicodeScalars) }
        #expect(lines.joined(separator: "\n") == row.masked)
    }

    @Test func `a key that holds a Secret is masked whatever its name`() {
        struct Config: Codable {
            var pin: Secret = ""
            var pins: [Secret] = []
            var size = 1
        }
        var parsed = Parsed("pin: {hunter1: hunter2}\npins: hunter3\nsize: x\n")
        _ = parsed.decode(over: Config())
        let text = parsed.diagnostics.rendered()
        #expect(parsed.findings == ["type-mismatch 1:6", "type-mismatch 2:7", "type-mismatch 3:7"])
        #expect(!text.contains("hunter2") && !text.contains("hunter3"))
        #expect(text.contains("   3 | size: x"))
    }

    @Test func `a value from outside or behind a secret key is not quoted in messages`() {
        struct Config: Codable {
            var port = 1
            var token = 1
            var size = ConfigByteSize(bytes: 1)
            var timeout = ConfigDuration(seconds: 1)
            var list = [1]
        }
        var parsed = Parsed("port: ${A}\ntoken: hunter2\nsize: ${B}\ntimeout: ${C}\nlist: ${A}\n")
        let long = String(repeating: "hunter2", count: 20)
        parsed.substitute(["A": "hunter2", "B": "777", "C": long])
        _ = parsed.decode(over: Config())
        let text = parsed.diagnostics.rendered()
        #expect(parsed.diagnostics.items.count == 5)
        #expect(!text.contains("hunter2") && !text.contains("777"))
        #expect(text.contains("expected a whole number, found a string"))
        #expect(text.contains("the size ${B} has no unit"))
    }

    @Test func `a Secret is never shown`() throws {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("hunter2"))
        #expect("\(secret) \(String(reflecting: secret)) \(String(describing: [secret]))".contains("hunter2") == false)
        struct Config: Codable { var pin: Secret = "hunter2" }
        #expect(try Node(encoding: Config()).rendered() == "pin: \"[redacted]\"\n")
        #expect(secret.value == "hunter2")
    }
}
