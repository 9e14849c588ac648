// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite struct DecodingProblemTests {
    static let rows: [(text: String, findings: [String])] = [
        ("endpiont: a\n", ["unknown-key 1:1"]),
        ("a: 1\nb: 2\nendpoint: c\n", ["unknown-key 1:1", "unknown-key 2:1"]),
        ("retry_on_failure: {queue: {size: 1, enabeld: true}}\n", ["unknown-key 1:28", "unknown-key 1:37"]),
        ("tls: {cert: a}\n", ["unknown-key 1:7"]),
        ("endpoint: [a]\n", ["type-mismatch 1:11"]),
        ("endpoint: {a: b}\n", ["type-mismatch 1:11"]),
        ("retry_on_failure: 5\n", ["type-mismatch 1:19"]),
        ("retry_on_failure: [a]\n", ["type-mismatch 1:19"]),
        ("retry_on_failure: {queue: {enabled: no}}\n", ["type-mismatch 1:37"]),
        ("retry_on_failure: {queue: {enabled: \"true\"}}\n", ["type-mismatch 1:37"]),
        ("retry_on_failure: {queue: {enabled: 1}}\n", ["type-mismatch 1:37"]),
        ("retry_on_failure: {queue: {num_consumers: 256}}\n", ["out-of-range 1:43"]),
        ("retry_on_failure: {queue: {num_consumers: -1}}\n", ["out-of-range 1:43"]),
        ("retry_on_failure: {queue: {num_consumers: 1.5}}\n", ["type-mismatch 1:43"]),
        ("retry_on_failure: {randomization_factor: high}\n", ["type-mismatch 1:42"]),
        ("retry_on_failure: {randomization_factor: 1e999}\n", ["out-of-range 1:42"]),
        ("limit: 99999999999999999999999999999999999999999999\n", ["out-of-range 1:8"]),
        ("limit: 9223372036854775808\n", ["out-of-range 1:8"]),
        ("limit: 1_000\n", ["type-mismatch 1:8"]),
        ("timeout: 5\n", ["missing-unit 1:10"]),
        ("timeout: 5 s\n", ["missing-unit 1:10"]),
        ("timeout: soon\n", ["invalid-duration 1:10"]),
        ("timeout: [5s]\n", ["type-mismatch 1:10"]),
        ("retry_on_failure: {queue: {max_size: 64}}\n", ["missing-unit 1:38"]),
        ("compression: zip\n", ["invalid-value 1:14"]),
        ("compression: {}\n", ["type-mismatch 1:14"]),
        ("ports: 4317\n", ["type-mismatch 1:8"]),
        ("ports: {a: 1}\n", ["type-mismatch 1:8"]),
        ("ports: [1, x, 2, ~, [3]]\n", ["type-mismatch 1:12", "type-mismatch 1:18", "type-mismatch 1:21"]),
        ("headers: [a]\n", ["type-mismatch 1:10"]),
        ("headers: {a: [b], c: , d: e}\n", ["type-mismatch 1:14", "type-mismatch 1:22"]),
        ("keys: [{name: a, ttl: 1s}]\n", ["missing-key 1:8"]),
        ("keys: [{}]\n", ["missing-key 1:8", "missing-key 1:8", "missing-key 1:8"]),
        (
            "keys: [{name: a, key: b, ttl: 1, scope: x}, 7]\n",
            ["missing-unit 1:31", "unknown-key 1:34", "type-mismatch 1:45"]
        ),
        ("keys: [{name: a, key: b, ttl: 1s, scopes: read}]\n", ["type-mismatch 1:43"]),
        ("just text\n", ["type-mismatch 1:1"]),
        ("- a\n", ["type-mismatch 1:1"]),
    ]

    @Test(arguments: rows)
    func `every problem is reported at its place in one run`(row: (text: String, findings: [String])) {
        var parsed = Parsed(row.text)
        _ = parsed.decode(over: GatewayConfig())
        #expect(parsed.findings == row.findings)
    }

    @Test func `a part with a problem keeps its default and the rest is used`() {
        var parsed = Parsed("timeout: 5\nendpoint: a\nlimit: x\nports: [1, x]\nretry_on_failure: 5\n")
        let config = parsed.decode(over: GatewayConfig())
        #expect(parsed.diagnostics.items.count == 4)
        #expect(config.timeout == GatewayConfig().timeout)
        #expect(config.endpoint == "a")
        #expect(config.limit == nil)
        #expect(config.ports == [1])
        #expect(config.retryOnFailure == GatewayConfig().retryOnFailure)
    }

    static let messages: [(text: String, message: String, help: String?)] = [
        ("limit: abc\n", #"expected a whole number, found the string "abc""#, nil),
        ("limit: '5'\n", #"expected a whole number, found the string "5""#, "write 5 without quotes"),
        ("limit: 1_000\n", #"expected a whole number, found the string "1_000""#, "write 1000"),
        ("limit: 1.5\n", "expected a whole number, found the number 1.5", nil),
        ("limit: true\n", "expected a whole number, found the boolean true", nil),
        ("limit: [1]\n", "expected a whole number, found a list", nil),
        ("endpoint: {a: 1}\n", "expected a string, found a mapping", nil),
        (
            "retry_on_failure: {queue: {enabled: no}}\n", #"expected true or false, found the string "no""#,
            "write false"
        ),
        ("retry_on_failure: {queue: {num_consumers: 300}}\n", "the number must be from 0 to 255, found 300", nil),
        ("ports: 4317\n", "expected a list of integer, found the number 4317", "write [4317]"),
        ("compression: gzpi\n", #""gzpi" is not one of gzip, zstd, none"#, #"did you mean "gzip"?"#),
        ("timeout: {}\n", "expected a duration such as 30s, found a mapping", nil),
        ("timeout: 5\n", #"the duration "5" has no unit"#, "write 5s for seconds; units: ns, us, ms, s, m, h, d"),
        (
            "retry_on_failure: {queue: {max_size: 64}}\n", #"the size "64" has no unit"#,
            "write 64MiB or 64B"
        ),
        ("keys: [{key: a, ttl: 1s}]\n", #"the key "name" is required here"#, nil),
        ("endPoint: a\n", #"unknown key "endPoint""#, #"did you mean "endpoint"?"#),
        ("retryOnFailure: {}\n", #"unknown key "retryOnFailure""#, #"did you mean "retry_on_failure"?"#),
        (
            "retry_on_failure: {queue: {max-size: 1B}}\n", #"unknown key "max-size" in retry_on_failure.queue"#,
            #"did you mean "max_size"?"#
        ),
        (
            "endpoint:a\n", #"expected a mapping, found the string "endpoint:a""#,
            #"write a space after the colon: "key: value""#
        ),
        ("limit: \"a\\nb\\e\"\n", "expected a whole number, found the string \"a\\nb\u{FFFD}\"", nil),
    ]

    @Test(arguments: messages)
    func `a message names what was expected and found`(row: (text: String, message: String, help: String?)) {
        var parsed = Parsed(row.text)
        _ = parsed.decode(over: GatewayConfig())
        #expect(parsed.diagnostics.items.map(\.message) == [row.message])
        #expect(parsed.diagnostics.items.map(\.help) == [row.help])
    }

    @Test func `a failed substitution is reported once`() {
        struct Config: Codable {
            var list: [Int] = [], number = 1, optional: Int?, choice = GatewayConfig.Compression.gzip
        }
        var parsed = Parsed("list: ['${A}']\nnumber: ${B}\noptional: ${C}\nchoice: x${D}\n")
        parsed.substitute([:])
        let config = parsed.decode(over: Config())
        #expect(parsed.diagnostics.items.map(\.code) == Array(repeating: "unset-variable", count: 4))
        #expect(config.number == 1)
    }

    @Test func `an unknown key lists the valid ones`() {
        var parsed = Parsed("tls: {cert: a}\n")
        _ = parsed.decode(over: GatewayConfig())
        #expect(
            parsed.diagnostics.items[0].notes.map(\.message) == ["valid keys: cert_file, client_ca_file, min_version"]
        )
    }

    @Test func `a type's own refusal is shown at the value`() {
        struct Zone: ConfigScalar, Equatable {
            static var valueType: ValueType { .custom("time zone") }
            var name = "UTC"
            init() {}
            init(from decoder: any Decoder) throws {
                name = try decoder.singleValueContainer().decode(String.self)
                guard name == "UTC" else {
                    throw ConfigValueError(
                        code: "invalid-zone",
                        message: "\"\(name)\" is no time zone",
                        help: "write UTC"
                    )
                }
            }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(name)
            }
        }
        struct Config: Codable {
            var zone = Zone(), other: Zone?, zones: [Zone] = [], after = 1
        }
        var parsed = Parsed("zone: Mars\nother: ${ZONE}\nzones: [UTC, Venus, {}]\nafter: x\n")
        parsed.substitute(["ZONE": "Pluto"])
        let config = parsed.decode(over: Config())
        #expect(
            parsed.diagnostics.items.map(\.message) == [
                #""Mars" is no time zone"#, "the value of ${ZONE} is no time zone", #""Venus" is no time zone"#,
                "expected a time zone, found a mapping", #"expected a whole number, found the string "x""#,
            ]
        )
        #expect(config.zone == Zone())
        #expect(config.other == nil)
        #expect(config.zones == [Zone()])
    }
}
