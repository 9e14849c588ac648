// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage

@Suite struct PriceTableTests {
    @Test func `every compiled-in row is written as it was read`() throws {
        #expect(PriceFixture.rows.count > 3_000)
        for row in PriceFixture.rows {
            let entry = try PriceLine.parse(row)
            #expect(PriceLine.text(entry) == row)
        }
    }

    @Test func `the compiled-in file is sorted and passes the checks of a user's file`() throws {
        let keys = PriceFixture.rows.map { row in
            Array(row.split(separator: "\t").prefix(2).joined(separator: "\t").utf8) + [0x09]
        }
        for (left, right) in zip(keys, keys.dropFirst()) { #expect(!right.lexicographicallyPrecedes(left)) }
        _ = try PriceTable(contentsOf: Array(PriceFixture.bytes))
    }

    @Test func `every compiled-in row is found by its own name`() throws {
        let table = try PriceFixture.builtIn()
        for entry in table.models() {
            let history = table.history(scope: entry.provider, model: entry.model)
            #expect(history?.entries.last == entry)
        }
    }

    @Test(arguments: [
        ("claude-fable-5-1", "10 50 0.25 12.5 20"), ("claude-opus-5-5", "4 20 0.2 5 8"),
        ("claude-haiku-5-5", "0.1 0.5 0.01 0.125 0.2"),
        ("claude-opus-4-1", "15 75 1.5 18.75 30"), ("gpt-6-astra", "10 50 1 12.5 -"),
        ("gpt-5.6-luna", "0.2 1.2 0.02 0.25 -"),
        ("gpt-5.5-pro", "30 180 - - -"), ("gemini-4-argon", "2 10 0.1 - -"), ("grok-4.7", "2 6 0.5 - -"),
        ("deepseek-v4-flash", "0.3 1.2 0.006 0 -"), ("kimi-k3.1-pro", "2 10 0.2 2 4"), ("glm-5.3", "1.4 4.4 0.26 0 -"),
    ])
    func `published rates are in the table`(model: String, rates: String) throws {
        let entry = try #require(
            try PriceFixture.builtIn().entry(model: model, provider: nil, at: try PriceFixture.time("2026-11-22"))
        )
        let columns = Rates.columns.prefix(5).map { entry.rates[keyPath: $0]?.perMillion ?? "-" }
        #expect(columns.joined(separator: " ") == rates)
    }

    @Test(arguments: [
        ("gpt-5.6-luna", "2026-07-29T23:59:59Z", "1"), ("gpt-5.6-luna", "2026-07-30", "0.2"),
        ("gpt-5.6-sol", "2026-07-01", "5"), ("gpt-5.6-sol", "2026-08-21", "4"), ("gpt-5.6", "2026-08-20", "5"),
    ])
    func `a price is chosen by the time of the call`(model: String, time: String, input: String) throws {
        let entry = try PriceFixture.builtIn().entry(model: model, provider: "openai", at: try PriceFixture.time(time))
        #expect(entry?.rates.input?.perMillion == input)
    }

    @Test(arguments: [
        ("p\tm\tchat", "3 columns instead of 12"),
        ("p\tm\tchat\t-\t-\tx\t2\t-\t-\t-\t-\t-", "\"x\" is not a rate"),
        ("p\tm\tchat\t-\t-\t-1\t2\t-\t-\t-\t-\t-", "\"-1\" is not a rate"),
        ("p\tm\tchat\tsoon\t-\t1\t2\t-\t-\t-\t-\t-", "\"soon\" is not a date"),
        ("p\tm\tchat\t2026-02-01\t2026-01-01\t1\t2\t-\t-\t-\t-\t-", "until is not after from"),
        ("P\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\t-", "provider and model must be in lower case"),
        ("\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\t-", "no provider or model"),
        ("p/q\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\t-", "a provider must not contain a slash"),
        ("p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\twhat", "unknown term \"what\""),
        ("p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\t>0=1/2", "unknown term \">0\""),
        ("p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\t>99999999999999999999=1/2", "unknown term \">99999999999999999999\""),
        ("p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\tbatch=", "0 rates instead of one to six"),
        ("p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\tbatch=1/2/3/4/5/6/7", "7 rates instead of one to six"),
        ("p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\tfast*x", "\"fast*x\" is not a factor"),
        (
            "p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\thours=1@00:00-24:00",
            "\"1@00:00-24:00\" are not hours of an offpeak rate"
        ),
        (
            "p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\toffpeak=1/1 hours=8@00:00-24:00",
            "\"8@00:00-24:00\" are not hours of an offpeak rate"
        ),
        ("p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\toffpeak=1/1 weekdays=8", "\"8\" is not a time zone of an offpeak rate"),
        ("q\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\t-", "a second price of q/m for the same time"),
    ])
    func `a malformed row is an error with its line`(row: String, reason: String) {
        let text = "\(PriceText.signature)\n# remark\nq\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\t-\n\(row)\n"
        #expect(throws: PriceTableError(line: 4, reason)) { try PriceTable(contentsOf: Array(text.utf8)) }
    }

    @Test(arguments: ["", "hello", "# prices\n", "[1]", "{}", "{\"a\":{}}", "\u{0}\u{1}"])
    func `other files are refused`(text: String) {
        #expect(throws: PriceTableError.self) { try PriceTable(contentsOf: Array(text.utf8)) }
    }

    @Test func `bytes without the header are no compiled-in table`() {
        let bytes = Array("p\tm\tchat\t-\t-\t1\t2\t-\t-\t-\t-\t-\n".utf8)
        bytes.withUnsafeBytes { bytes in
            _ = #expect(throws: PriceTableError.self) { try PriceTable(compiledIn: bytes) }
        }
    }

    @Test func `a newer table replaces current prices and keeps those of earlier times`() throws {
        let newer = try PriceFixture.table(
            "openai gpt-5.6-terra chat - - 7 70 - - - - -",
            "acme rocket chat - - 1 2 - - - - -"
        )
        let table = try PriceFixture.builtIn().updated(by: newer)
        func input(_ model: String, _ provider: String, _ time: String) throws -> String? {
            table.entry(model: model, provider: provider, at: try PriceFixture.time(time))?.rates.input?.perMillion
        }
        #expect(try input("gpt-5.6-terra", "openai", "2026-07-01") == "2.5")
        #expect(try input("gpt-5.6-terra", "openai", "2026-11-22") == "7")
        #expect(try input("rocket", "acme", "2026-11-22") == "1")
        #expect(try input("claude-opus-5", "anthropic", "2026-11-22") == "5")
        #expect(table.models().count { $0.provider == "openai" && $0.model == "gpt-5.6-terra" } == 1)
    }

    @Test func `a newer table with dates speaks for all times`() throws {
        let newer = try PriceFixture.table("openai gpt-5.6-terra chat 2026-09-01 - 7 70 - - - - -")
        let table = try PriceFixture.builtIn().updated(by: newer)
        #expect(table.entry(model: "gpt-5.6-terra", provider: "openai", at: try PriceFixture.time("2026-07-01")) == nil)
    }

    @Test func `an empty table prices nothing`() throws {
        #expect(PriceTable.empty.models() == [])
        #expect(
            PriceTable.empty.entry(model: "gpt-5", provider: "openai", at: try PriceFixture.time("2026-11-22")) == nil
        )
    }
}
