// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

/// Types that use the containers by hand, as a plug-in's own `Codable` may.
@Suite struct HandWrittenCodableTests {
    struct Range: Codable, Equatable {
        var lower = 1
        var upper = 9
        var labels: [String] = ["low", "high"]

        enum Keys: String, CodingKey { case bounds, labels }
        enum Bounds: String, CodingKey { case lower, upper }

        init() {}

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            let bounds = try container.nestedContainer(keyedBy: Bounds.self, forKey: .bounds)
            lower = try bounds.decode(Int.self, forKey: .lower)
            upper = try bounds.decode(Int.self, forKey: .upper)
            var list = try container.nestedUnkeyedContainer(forKey: .labels)
            labels = []
            while !list.isAtEnd { labels.append(try list.decode(String.self)) }
            guard lower <= upper else {
                throw ConfigValueError(code: "invalid-range", message: "lower is above upper")
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            var bounds = container.nestedContainer(keyedBy: Bounds.self, forKey: .bounds)
            try bounds.encode(lower, forKey: .lower)
            try bounds.encode(upper, forKey: .upper)
            var list = container.nestedUnkeyedContainer(forKey: .labels)
            for label in labels { try list.encode(label) }
        }
    }

    struct Config: Codable, Equatable {
        var range = Range()
        var after = 1
    }

    @Test func `nested containers have their defaults beneath`() throws {
        var parsed = Parsed("range: {bounds: {upper: 5}}\n")
        let config = parsed.decode(over: Config())
        #expect(parsed.findings == [])
        #expect(config.range.lower == 1)
        #expect(config.range.upper == 5)
        #expect(config.range.labels == ["low", "high"])
        let described = try KeyDescription.list(of: Config()).map { $0.path.joined(separator: ".") }
        #expect(described == ["range.bounds.lower", "range.bounds.upper", "range.labels", "after"])
    }

    static let problems: [(text: String, findings: [String])] = [
        ("range: {bounds: {lower: 10}}\nafter: x\n", ["invalid-range 1:8", "type-mismatch 2:8"]),
        ("range: {bounds: {upper: x}}\n", ["type-mismatch 1:25"]),
        ("range: {bounds: 5, labels: a}\n", ["type-mismatch 1:17", "type-mismatch 1:28"]),
        ("range: {labels: [[a]]}\n", ["type-mismatch 1:18"]),
        ("range: {bonds: {}}\n", ["unknown-key 1:9"]),
    ]

    @Test(arguments: problems)
    func `problems inside are reported and the default is kept`(row: (text: String, findings: [String])) {
        var parsed = Parsed(row.text)
        let config = parsed.decode(over: Config())
        #expect(parsed.findings == row.findings)
        #expect(config.after == 1)
    }

    @Test func `a standard library refusal is shown at the value`() {
        struct Letter: Codable, Equatable {
            var letter: Character = "a"
            init() {}
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                let text = try container.decode(String.self)
                guard let only = text.first, text.count == 1 else {
                    throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected one letter")
                }
                letter = only
            }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(String(letter))
            }
        }
        struct Config: Codable { var letter = Letter(), letters: [Letter] = [] }
        var parsed = Parsed("letter: abc\nletters: [x, yz]\n")
        let config = parsed.decode(over: Config())
        #expect(parsed.findings == ["invalid-value 1:9", "invalid-value 2:14"])
        #expect(parsed.diagnostics.items[0].message == "expected one letter")
        #expect(config.letters.map(\.letter) == ["x"])
    }
}
