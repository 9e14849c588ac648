// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import TokensProcessor
import Usage

/// Attributes under user-defined names.
struct HouseRuleTests {
    private static let rules = [
        TokenRule(.input, "acme.in"), TokenRule(.output, "acme.out"), TokenRule(.cacheRead, "acme.cached"),
        TokenRule(.cacheWrite, "acme.written"), TokenRule(.reasoning, "acme.thought"), TokenRule(.model, "acme.model"),
        TokenRule(.session, "acme.session"), TokenRule(.project, "acme.project"), TokenRule(.user, "acme.user"),
    ]

    @Test func `every figure can have a name of its own`() throws {
        let attributes: Attributes = [
            "acme.in": 100, "acme.out": "7", "acme.cached": 60, "acme.written": 30, "acme.thought": 2,
            "acme.model": "m",
            "acme.session": "s", "acme.project": "p", "acme.user": "u",
        ]
        let found = try #require(try observation(attributes, rules: Self.rules))
        #expect(found.counts.text == "10/60/30+0/7/2")
        #expect([found.model, found.session, found.project, found.user] == ["m", "s", "p", "u"])
        #expect(try observation(attributes) == nil)
    }

    @Test func `a custom rule takes precedence over the built-in ones`() throws {
        let attributes: Attributes = ["acme.in": 5, "input_tokens": 100, "model": "old", "acme.model": "new"]
        let found = try observation(attributes, rules: Self.rules)
        #expect(found?.counts.uncachedInput == 5)
        #expect(found?.model == "new")
        #expect(try observation(["input_tokens": 100, "model": "old"], rules: Self.rules)?.model == "old")
    }

    @Test func `a rule may point at a known attribute`() throws {
        let found = try observation(["total_token_count": 9], rules: [TokenRule(.input, "total_token_count")])
        #expect(found?.counts.uncachedInput == 9)
    }

    @Test(arguments: [-1, 9_223_372_036_854_775_807] as [Int64])
    func `an implausible figure is ignored under any name`(figure: Int64) throws {
        #expect(try observation(["acme.in": .int(figure)], rules: Self.rules) == nil)
    }

    @Test func `a session under a user-defined name is seen`() throws {
        let batch = try processed(logs([Record(["acme.session": "s"])]), rules: Self.rules)
        #expect(batch.sessions.map(\.id) == ["s"])
    }

    @Test func `a rule without an attribute is refused`() {
        var config = TokensConfig()
        config.rules = [TokenRule(.input, "a"), TokenRule(.output, "")]
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map(\.path) == [["rules", "1", "attribute"]])
    }
}

extension TokenRule {
    init(_ field: Field, _ attribute: String) {
        self.init(field: field, attribute: attribute)
    }
}
