// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Usage

@Suite struct PriceLiteLLMTests {
    private func excerpt() throws -> PriceTable {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appending(path: "Fixtures/litellm-excerpt.json"))
        return try PriceTable(contentsOf: Array(data))
    }

    private func table(_ json: String) throws -> PriceTable { try PriceTable(contentsOf: Array(json.utf8)) }

    /// A file of one model `m` with these fields beside its provider and mode.
    private func file(_ fields: String) -> String { #"{"m": {"litellm_provider": "p", "mode": "chat", \#(fields)}}"# }

    @Test func `the published file gives the rows of the compiled-in table`() throws {
        let table = try excerpt()
        let rows = table.models().map(PriceLine.text)
        #expect(
            rows == [
                "anthropic\tclaude-haiku-5-5\tchat\t-\t-\t0.1\t0.5\t0.01\t0.125\t0.2\t-\t>100000=0.5/2.5/0.05/0.625/1 "
                    + "batch=0.05/0.25/0.005/0.0625 batch>100000=0.25/1.25/0.025/0.3125 us*1.1 search=0.01",
                "anthropic\tclaude-opus-5-5\tchat\t-\t-\t4\t20\t0.2\t5\t8\t-\tfast*2 us*1.1",
                "dashscope\tqwen-plus-2025-09-11\tchat\t-\t-\t0.4\t1.2\t-\t-\t-\t4\t>256000=1.2/3.6/-/-/-/12",
                "deepseek\tdeepseek-v4-pro\tchat\t-\t-\t1.32\t3.96\t0.044\t0\t-\t-\toffpeak=0.66/1.98/0.022 "
                    + "hours=12345@00:00-01:00,04:00-06:00,10:00-24:00;67@00:00-24:00 weekdays=+08:00",
                "openai\tgpt-5.6-sol\tchat\t-\t-\t4\t20\t0.4\t5\t-\t-\t>272000=8/30/0.8/10 priority=8/40/0.8 "
                    + "priority>272000=16/60/1.6 eu*1.1 us*1.1",
                "openai\ttext-embedding-3-small\tembedding\t-\t-\t0.02\t0\t-\t-\t-\t-\t-",
                "vertex_ai\tclaude-opus-4-5@20251101\tchat\t-\t-\t5\t25\t0.5\t6.25\t-\t-\t-",
                "xai\tgrok-4.5\tchat\t-\t-\t2\t6\t0.3\t-\t-\t-\t>=200000=4/12/0.6",
            ]
        )
    }

    @Test func `a published file over the compiled-in table keeps the past`() throws {
        let table = try PriceFixture.builtIn().updated(by: try excerpt())
        let entry = table.entry(model: "gpt-5.6-sol", provider: "openai", at: try PriceFixture.time("2026-07-01"))
        #expect(entry?.rates.input?.perMillion == "5")
    }

    @Test func `zeros that are not marked as free stay unpriced`() throws {
        let entry = try excerpt().entry(
            model: "deepseek-free-preview",
            provider: "deepseek",
            at: try PriceFixture.time("2026-11-22")
        )
        #expect(entry == nil)
    }

    @Test func `hours without days hold every day`() throws {
        let table = try table(
            file(
                """
                "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
                "off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": "5e-7"}
                """
            )
        )
        for (time, input) in [
            ("2026-11-18T16:30:00Z", 500), ("2026-11-22T00:29:00Z", 500), ("2026-11-18T00:30:00Z", 1000),
        ] {
            let call = PricedCall(
                model: "m",
                provider: "p",
                time: try PriceFixture.time(time),
                counts: TokenCounts(uncachedInput: 1)
            )
            #expect(table.cost(of: call)?.amount.nanodollars == Int64(input))
        }
    }

    @Test(arguments: [
        #""input_cost_per_token": "cheap""#, #""input_cost_per_token": -1"#, #""output_cost_per_token": [1]"#,
        #""tiered_pricing": [{}]"#, #""provider_specific_entry": {"us": true}"#,
        #""off_peak_pricing": {"hours_utc": "9-5"}"#,
    ])
    func `a malformed field is an error with its model`(fields: String) {
        let error = #expect(throws: PriceTableError.self) { try table(file(fields)) }
        #expect(error?.place == "m")
    }

    @Test(arguments: [
        (#"{"m": 1}"#, "m"), ("{\n\"m\": {},\n}", "line 3"), (#"{"m""#, "line 1"), (#"{"m": {} } x"#, "line 1"),
        (#"{"m": tru}"#, "line 1"), ("{\n\"m\": \"\\q\"}", "line 2"), (#"{"m": "\u-123"}"#, "line 1"),
        (#"{"m": ""#, "line 1"),
        (#"{"m": {"a": }}"#, "line 1"),
    ])
    func `a malformed file is an error with its place`(json: String, place: String) {
        let error = #expect(throws: PriceTableError.self) { try table(json) }
        #expect(error?.place == place)
    }

    @Test func `deep nesting is refused`() {
        let json = "{\"a\": " + String(repeating: "[", count: 100_000)
        #expect(throws: PriceTableError(line: 1, "values are nested too deeply")) { try table(json) }
    }

    @Test func `names that a line cannot hold are left out`() throws {
        let fields =
            #"{"litellm_provider": "p", "mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": null}"#
        let table = try table(#"{"a\tb": \#(fields), "a\nb": \#(fields), "\u00e4": \#(fields)}"#)
        #expect(table.models().map(\.model) == ["ä"])
    }

    @Test func `a damaged file never crashes`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let bytes = Array(try Data(contentsOf: folder.appending(path: "Fixtures/litellm-excerpt.json")))
        for cut in stride(from: 0, to: bytes.count - 2, by: 7) {
            #expect(throws: PriceTableError.self) { try PriceTable(contentsOf: Array(bytes[..<cut])) }
        }
        for index in stride(from: 0, to: bytes.count, by: 11) {
            var damaged = bytes
            damaged[index] ^= 0x5A
            _ = try? PriceTable(contentsOf: damaged)
        }
    }
}
