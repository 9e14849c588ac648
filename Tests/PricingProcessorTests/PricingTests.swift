// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import Logging
import OTLP
import PricingProcessor
import Testing
import Usage

/// The price of a call with the processor's configuration.
struct PricingTests {
    /// The pricing of a batch after the processor.
    private static func pricing(_ configure: (inout PricingConfig) -> Void = { _ in }) throws -> Pricing {
        var batch = try batch()
        try processor(configure).process(&batch)
        return try #require(batch.pricing)
    }

    private static func processor(
        _ configure: (inout PricingConfig) -> Void = { _ in }
    ) throws -> any Processor {
        var config = PricingConfig()
        configure(&config)
        let settings = ComponentSettings(
            id: try #require(ComponentID("pricing")),
            logger: Logger(label: "pricing") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 0) }
        )
        return try ComponentFactory.pricing.makeProcessor(config, settings)
    }

    private static func batch() throws -> Batch {
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"a"},{"eventName":"b"}]}]}]}"#
        return Batch(try OTLPBatch(signal: .logs, json: Array(json.utf8)), receivedAt: Timestamp(nanoseconds: 7))
    }

    /// A call of Claude Code 2.1.330, which reported a cost of 0.0187374 dollars.
    private static func recordedCall(model: String = "claude-sonnet-4-5-20250929") throws -> Call {
        let time = try #require(Timestamp(iso8601: "2026-11-22T08:13:37.999Z"))
        var call = Call(
            id: 1,
            time: time,
            counts: TokenCounts(uncachedInput: 3, cacheRead: 9_028, cacheWrite5m: 2_416, output: 464)
        )
        (call.model, call.provider, call.knowsCacheLifetimes) = (model, "anthropic", true)
        return call
    }

    /// One thousand tokens in and ten out.
    private static func plainCall(model: String?) -> Call {
        var call = Call(
            id: 1,
            time: Timestamp(nanoseconds: 1_795_335_217_999_000_000),
            counts: TokenCounts(uncachedInput: 1_000, output: 10)
        )
        call.model = model
        call.reportedCost = Money(nanodollars: 5)
        return call
    }

    @Test func `the built-in table agrees with what an agent says itself`() throws {
        let price = try Self.pricing().price(Self.recordedCall())
        #expect(price.isPriced)
        #expect(price.cost == Money(nanodollars: 18_737_400))
    }

    @Test func `the user's price takes precedence over the table`() throws {
        let pricing = try Self.pricing { config in
            var own = ModelPrice()
            (own.model, own.input, own.output, own.multiplier) = ("claude-sonnet-4-5-20250929", "2", "50", "0.5")
            config.overrides = [own]
        }
        #expect(
            pricing.price(Self.plainCall(model: "claude-sonnet-4-5-20250929")).cost == Money(nanodollars: 1_250_000)
        )
        #expect(pricing.price(Self.plainCall(model: "gpt-4.1")).cost == Money(nanodollars: 2_080_000))
    }

    @Test func `a discount needs no rates`() throws {
        let pricing = try Self.pricing { config in
            var own = ModelPrice()
            (own.model, own.multiplier) = ("claude-sonnet-4-5-20250929", "0.5")
            config.overrides = [own]
        }
        #expect(try pricing.price(Self.recordedCall()).cost == Money(nanodollars: 9_368_700))
    }

    @Test(
        arguments: [
            (Pricing.Preference.computed, "gpt-4.1", 2_080_000, true), (.computed, "unheard-of", 0, false),
            (.reported, "gpt-4.1", 5, true), (.reported, "unheard-of", 5, true),
        ] as [(Pricing.Preference, String, Int64, Bool)]
    )
    func `the configuration says whose figure counts`(
        prefer: Pricing.Preference,
        model: String,
        cost: Int64,
        isPriced: Bool
    ) throws {
        let price = try Self.pricing { $0.prefer = prefer }.price(Self.plainCall(model: model))
        #expect(price.cost == Money(nanodollars: cost))
        #expect(price.isPriced == isPriced)
        #expect(price.computed?.nanodollars == (model == "gpt-4.1" ? 2_080_000 : nil))
    }

    @Test func `a call without a model has no price`() throws {
        #expect(
            try Self.pricing().price(Self.plainCall(model: nil))
                == CallPrice(cost: .zero, isPriced: false, computed: nil)
        )
    }

    @Test func `a file with newer prices renews the table and keeps the rest`() throws {
        let folder = try TemporaryFolder()
        let json = """
            {"unheard-of": {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}}
            """
        let path = try folder.write(json, to: "prices.json")
        let pricing = try Self.pricing { $0.table = ConfigPath(path) }
        var call = Self.plainCall(model: "unheard-of")
        call.provider = "acme"
        #expect(pricing.price(call).cost == Money(nanodollars: 1_020_000))
        #expect(pricing.price(Self.plainCall(model: "gpt-4.1")).cost == Money(nanodollars: 2_080_000))
    }

    @Test func `a file that is missing or no price table stops the start and is named`() throws {
        let folder = try TemporaryFolder()
        let broken = try folder.write("{\"a\":", to: "broken.json")
        for (path, reason) in [("/nowhere/prices.json", StartError.Reason.inputOutput), (broken, .configuration)] {
            let error = #expect(throws: StartError.self) { try Self.pricing { $0.table = ConfigPath(path) } }
            #expect(error?.reason == reason)
            #expect(error?.description.contains(path) == true)
        }
    }

    @Test func `every price that is no number is reported with its place`() {
        var config = PricingConfig()
        var good = ModelPrice()
        (good.model, good.input, good.output) = ("a", "1", "2")
        var negative = good
        negative.output = "-2"
        var half = good
        half.output = nil
        var nameless = good
        nameless.model = ""
        config.overrides = [good, negative, half, nameless]
        var findings = ConfigFindings()
        config.validate(&findings)
        let places = [["overrides", "1", "output"], ["overrides", "2", "output"], ["overrides", "3", "model"]]
        #expect(findings.items.map(\.path) == places)
        #expect(findings.items.allSatisfy { !$0.isWarning })
    }

    @Test func `the records pass untouched`() throws {
        var batch = try Self.batch()
        let bytes = batch.otlp.encoded()
        try Self.processor().process(&batch)
        #expect(batch.otlp.encoded() == bytes)
    }
}
