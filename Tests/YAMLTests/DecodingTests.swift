// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite struct DecodingTests {
    @Test func `a full configuration is decoded`() {
        var parsed = Parsed(realisticConfig)
        parsed.substitute(["API_KEY": "env-secret"])
        let config = parsed.decode(over: GatewayConfig(), home: "/home/me")
        #expect(parsed.diagnostics.rendered() == "")
        var expected = GatewayConfig()
        expected.endpoint = "0.0.0.0:4318"
        expected.timeout = ConfigDuration(seconds: 90)
        expected.compression = .zstd
        expected.retryOnFailure.initialInterval = ConfigDuration(nanoseconds: 300_000_000)
        expected.retryOnFailure.randomizationFactor = 1
        expected.retryOnFailure.queue = .init(enabled: false, numConsumers: 4, maxSize: ConfigByteSize(bytes: 524_288))
        expected.tls = .init(
            certFile: ConfigPath("~/tls/cert.pem", home: "/home/me"),
            clientCAFile: "/etc/ca.pem",
            minVersion: "1.2"
        )
        expected.headers = ["Authorization": "Bearer env-secret", "X-Tenant": "0123"]
        expected.directories = [ConfigPath("~/a", home: "/home/me"), "/b"]
        expected.keys = [
            .init(
                name: "ci",
                key: "literal-secret",
                scopes: ["read", "write"],
                ttl: ConfigDuration(seconds: 90 * 86_400)
            )
        ]
        expected.ports = []
        expected.webhook = "env-secret"
        expected.limit = 16
        expected.version = "1.10"
        #expect(config == expected)
        #expect(config.directories[0].path == "/home/me/a")
    }

    static let nothing = [
        "", "endpoint:\n", "endpoint: ~\nkeys: null\nheaders:\n", "retry_on_failure:\n", "retry_on_failure: {}\n",
        "retry_on_failure:\n  queue:\n",
    ]

    @Test(arguments: nothing)
    func `a missing key, or one with an empty value, has the default`(text: String) {
        var parsed = Parsed(text)
        #expect(parsed.decode(over: GatewayConfig()) == GatewayConfig())
        #expect(parsed.findings == [])
    }

    @Test func `a default path is expanded too`() {
        var parsed = Parsed("")
        #expect(parsed.decode(over: GatewayConfig(), home: "/home/me/").directories.map(\.path) == ["/home/me/logs"])
    }

    @Test func `a default secret survives`() {
        struct Config: Codable { var password: Secret = "built-in" }
        var parsed = Parsed("")
        #expect(parsed.decode(over: Config()).password.value == "built-in")
    }

    @Test func `defaults are those of the value, not of the type`() {
        var defaults = GatewayConfig()
        defaults.retryOnFailure.queue.numConsumers = 3
        defaults.limit = 7
        var parsed = Parsed("retry_on_failure: {queue: {enabled: false}}\n")
        let config = parsed.decode(over: defaults)
        #expect(config.retryOnFailure.queue.numConsumers == 3)
        #expect(config.retryOnFailure.queue.enabled == false)
        #expect(config.limit == 7)
    }

    @Test func `dictionaries and lists are replaced, not merged`() {
        var parsed = Parsed("headers: {A: b}\nports: [1]\n")
        let config = parsed.decode(over: GatewayConfig())
        #expect(config.headers == ["A": "b"])
        #expect(config.ports == [1])
    }

    @Test func `a section type has its defaults inside optionals, lists and dictionaries`() {
        struct Rule: ConfigSection, Equatable {
            var name = "unnamed"
            var weight = 1
        }
        struct Config: Codable {
            var rules: [Rule] = []
            var named: [String: Rule] = [:]
            var fallback: Rule?
        }
        var parsed = Parsed("rules: [{name: a}, ]\nnamed: {x: {weight: 2}, y: }\nfallback: {weight: 3}\n")
        let config = parsed.decode(over: Config())
        #expect(parsed.findings == [])
        #expect(config.rules == [Rule(name: "a")])
        #expect(config.named == ["x": Rule(weight: 2), "y": Rule()])
        #expect(config.fallback == Rule(weight: 3))
    }

    @Test func `every standard type is decoded and encoded`() throws {
        struct Config: Codable, Equatable {
            var bool = true, string = "null", double = 0.1, float: Float = 1.5
            var int = -1, int8 = Int8.min, int16 = Int16.min, int32 = Int32.min, int64 = Int64.min
            var uint: UInt = 1, uint8 = UInt8.max, uint16 = UInt16.max, uint32 = UInt32.max, uint64 = UInt64.max
            var set: Set<String> = ["a"], list: [[Int?]] = [[1, nil], []], infinite = -Double.infinity
            var optionals = Optionals()
        }
        struct Optionals: Codable, Equatable {
            var bool: Bool?, string: String?, double: Double?, float: Float?, list: [Int]?
            var int: Int?, int8: Int8?, int16: Int16?, int32: Int32?, int64: Int64?
            var uint: UInt?, uint8: UInt8?, uint16: UInt16?, uint32: UInt32?, uint64: UInt64?
        }
        var parsed = Parsed("")
        #expect(parsed.decode(over: Config()) == Config())
        let optionals = try #require(try Node(encoding: Optionals()).mapping)
        #expect(optionals.entries.count == 15, "an absent optional keeps its key")
        // Writing the defaults and reading them back changes nothing.
        var again = Parsed(try Node(encoding: Config()).rendered(redacting: nil))
        var others = Config()
        (others.string, others.int8, others.uint64, others.set) = ("x", 0, 0, [])
        #expect(again.decode(over: others) == Config())
        #expect(again.findings == [])
        var given = Parsed(
            "{bool: false, string: 5, double: 1, float: 2, list: [3], int: 4, int8: 5, int16: 6, int32: 7, "
                + "int64: 8, uint: 9, uint8: 10, uint16: 11, uint32: 12, uint64: 18446744073709551615}"
        )
        let values = given.decode(over: Optionals())
        #expect(given.findings == [])
        #expect(
            values
                == Optionals(
                    bool: false,
                    string: "5",
                    double: 1,
                    float: 2,
                    list: [3],
                    int: 4,
                    int8: 5,
                    int16: 6,
                    int32: 7,
                    int64: 8,
                    uint: 9,
                    uint8: 10,
                    uint16: 11,
                    uint32: 12,
                    uint64: .max
                )
        )
    }

    @Test(arguments: [
        ("endpoint", "endpoint"), ("maxRequestBodySize", "max_request_body_size"), ("clientCAFile", "client_ca_file"),
        ("tracesURLPath", "traces_url_path"), ("already_snake", "already_snake"), ("http2", "http2"),
    ])
    func `a property name becomes a key in snake case`(property: String, key: String) throws {
        struct AnyKey: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
        struct One: Encodable {
            let name: String
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(1, forKey: AnyKey(stringValue: name))
            }
        }
        #expect(try Node(encoding: One(name: property)).mapping?.entries.map(\.key.text) == [key])
    }
}
