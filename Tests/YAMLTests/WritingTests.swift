// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite struct WritingTests {
    @Test func `text that is written reads back the same`() throws {
        let texts = [
            "", " ", "a", "a b", "5", "0123", "true", "null", "~", "no", "a: b", "a:", "a #b", "#a", "- a", "-", "?",
            "*a",
            "&a", "!a", "|", ">", "'", "\"", "%", "@", "`", "{", "[", "a]", "a,b", "\n", "a\nb\n", "\t", "\u{0}",
            "\u{1B}",
            "é", "名前", "😀", "\u{FEFF}", "\u{85}", "\u{2028}", "<<", "=", "...", "---", "${env:X}", "127.0.0.1:4318",
            "/a/b", "~/x", "\\", "a\\b", "1e3", ".inf", "a ", "\u{E000}", "\u{FFFF}", "\u{10FFFF}",
        ]
        let mark = Mark(file: "f", line: 1, column: 1)
        let scalars = texts.map { Node.scalar(Scalar($0, style: .quoted, mark: mark)) }
        let keyed = Node.mapping(
            Node.Mapping(texts.map { Node.Entry(key: Scalar($0, mark: mark), value: .null(at: mark)) }, mark: mark)
        )
        let list = Node.sequence(
            Node.Sequence(scalars + [keyed, .sequence(Node.Sequence(scalars, mark: mark))], mark: mark)
        )
        let written = list.rendered(redacting: nil)
        let parsed = Parsed(written)
        #expect(parsed.diagnostics.rendered() == "")
        #expect(try #require(parsed.node).hasSameContent(as: list))
    }

    @Test func `a printed configuration hides secrets and keeps references`() throws {
        var parsed = Parsed(
            """
            endpoint: ${HOST}:4318
            headers:
              Authorization: Bearer ${TOKEN}
              X-Key: abc
              Y: ${env:TOKEN}
            items:
              - token: abc
                name: n
              - []
            nothing:
            """
        )
        parsed.substitute(["HOST": "example", "TOKEN": "hunter2"])
        #expect(
            parsed.node?.rendered() == """
                endpoint: "${HOST}:4318"
                headers:
                  Authorization: "[redacted]"
                  X-Key: "[redacted]"
                  Y: ${env:TOKEN}
                items:
                  - token: "[redacted]"
                    name: n
                  - []
                nothing:

                """
        )
        #expect(parsed.node?.rendered(redacting: nil).contains("Bearer hunter2") == true)
    }

    @Test func `the effective configuration is what was written over the defaults`() throws {
        var parsed = Parsed(
            "timeout: 9s\nheaders: {A: b}\nretry_on_failure: {queue: {enabled: false}}\nports:\nwebhook: abc\n"
        )
        let effective = try #require(parsed.node).filled(from: try Node(encoding: GatewayConfig()))
        #expect(
            effective.rendered() == """
                endpoint: 127.0.0.1:4318
                timeout: 9s
                compression: gzip
                retry_on_failure:
                  initial_interval: 5s
                  randomization_factor: 0.5
                  queue:
                    enabled: false
                    num_consumers: 10
                    max_size: 64MiB
                tls:
                headers:
                  A: "[redacted]"
                directories:
                  - ~/logs
                keys: []
                ports:
                  - 4317
                  - 4318
                webhook: "[redacted]"
                limit:
                version:

                """
        )
        // Decoding it gives the same as decoding the user's text.
        var whole = Parsed(effective.rendered(redacting: nil))
        #expect(whole.decode(over: GatewayConfig()) == parsed.decode(over: GatewayConfig()))
    }

    @Test func `every key is described`() throws {
        let keys = try KeyDescription.list(of: GatewayConfig())
        let lines = keys.map { "\($0.path.joined(separator: ".")) \($0.type.name) \($0.defaultText ?? "-")" }
        #expect(
            lines == [
                "endpoint string 127.0.0.1:4318", "timeout duration 5s", "compression gzip|zstd|none gzip",
                "retry_on_failure.initial_interval duration 5s", "retry_on_failure.randomization_factor number 0.5",
                "retry_on_failure.queue.enabled boolean true", "retry_on_failure.queue.num_consumers integer 10",
                "retry_on_failure.queue.max_size size 64MiB", "tls.cert_file path -", "tls.client_ca_file path -",
                "tls.min_version string \"1.2\"", "headers map of string {X-Default: \"1\"}",
                "directories list of path [~/logs]",
                "keys list of section []", "ports list of integer [4317, 4318]", "webhook secret -", "limit integer -",
                "version string -",
            ]
        )
    }

    @Test func `sections in lists and dictionaries are described, a recursive one only so deep`() throws {
        struct Rule: ConfigSection {
            var pattern = ".*"
            var children: [Rule] = []
        }
        struct Config: Codable {
            var rules: [Rule] = []
            var named: [String: GatewayConfig.TLS] = [:]
        }
        let paths = try KeyDescription.list(of: Config()).map { $0.path.joined(separator: ".") }
        #expect(paths.contains("rules.[].children.[].pattern"))
        #expect(paths.contains("named.*.cert_file"))
        #expect(paths.count < 30)
    }

    @Test func `a location is the nearest thing written`() throws {
        let text = "protocols:\n  http:\n    endpoint: x\n    cors:\n  list: [a, {b: c}]\n"
        let node = try #require(Parsed(text).node)
        let locations = ConfigLocations(node, rootKey: Mark(file: "config.yaml", line: 99, column: 1))
        func place(_ path: [String], _ part: ConfigLocations.Part = .value) -> String {
            let mark = locations.location(of: path, part)
            return "\(mark.line):\(mark.column)"
        }
        #expect(place(["protocols", "http", "endpoint"]) == "3:15")
        #expect(place(["protocols", "http", "endpoint"], .key) == "3:5")
        #expect(place(["protocols", "http", "missing", "deeper"]) == "2:3")
        #expect(place(["protocols", "http", "cors"]) == "4:5")
        #expect(place(["protocols", "http", "cors", "origins"]) == "4:5")
        #expect(place(["protocols", "list", "1", "b"]) == "5:17")
        #expect(place(["protocols", "list", "7"]) == "5:3")
        #expect(place(["missing"]) == "99:1")
        #expect(place([], .key) == "99:1")
    }
}
