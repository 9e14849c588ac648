// SPDX-License-Identifier: Apache-2.0

/// What a provider publishes about the price of one model for a span of time.
public struct PriceEntry: Sendable, Hashable {
    /// The provider in whose price list the row stands (`anthropic`, `bedrock`, `vertex_ai`); `override` for a
    /// configured price.
    public let provider: String
    /// The model as that list names it, in lower case and without the provider.
    public let model: String
    /// What the model does: `chat`, `responses`, `completion` or `embedding`.
    public var mode: String
    /// The first instant at which the price holds; nil for always before.
    public var validFrom: Timestamp? {
        didSet { rateKey = Self.rateKey(provider, model, validFrom) }
    }
    /// The first instant at which the price holds no longer; nil while it is current.
    public var validUntil: Timestamp?
    /// The list price.
    public var rates: Rates
    /// Rates of large prompts and of service tiers; thresholds ascend within a service tier.
    public var tiers: [PriceTier] = []
    /// The factor of fast mode; nil when none is published.
    public var fastFactor: PriceFactor?
    /// The factors of processing bound to a region, by its name (`us`, `eu`).
    public var regionFactors: [String: PriceFactor] = [:]
    /// The price of one web search; nil when none is published.
    public var webSearch: Money?
    /// Lower rates at certain hours.
    public var offPeak: OffPeakRates?
    /// The announced end of the model, `YYYY-MM-DD`.
    public var endDate: String?
    /// Whether rates of zero are a price and not a gap in the table.
    public var isFree = false
    /// Whether the name of the model that was looked up asked for fast mode (`-fast`).
    public var isFastName = false
    /// A configured factor on the cost of the tokens.
    public var factor = PriceFactor.one
    /// Names the row: provider, model, and the day since which it holds when the price has changed before.
    public private(set) var rateKey: String

    init(provider: String, model: String, mode: String = "chat", rates: Rates = Rates()) {
        self.provider = provider
        self.model = model
        self.mode = mode
        self.rates = rates
        rateKey = Self.rateKey(provider, model, nil)
    }

    private static func rateKey(_ provider: String, _ model: String, _ from: Timestamp?) -> String {
        let key = provider + "/" + model
        return from.map { "\(key)#\(PriceDate.text($0))" } ?? key
    }

    /// Whether the price holds at an instant.
    public func isValid(at time: Timestamp) -> Bool {
        validFrom.map { $0 <= time } ?? true && validUntil.map { time < $0 } ?? true
    }

    /// Whether the row can price a call; a row without rates, or with zeros that nobody marked as free, cannot.
    func canPrice(allowsFree: Bool) -> Bool {
        guard rates.input != nil || rates.output != nil else { return false }
        return !rates.isZero || tiers.contains { !$0.rates.isZero } || (isFree && allowsFree)
    }
}

/// The prices of one model in the order of time; they do not overlap.
public struct PriceHistory: Sendable, Hashable {
    /// The rows, oldest first; never empty.
    public internal(set) var entries: [PriceEntry]

    /// The row that holds at an instant; nil when none does.
    public func entry(at time: Timestamp) -> PriceEntry? {
        entries.first { $0.isValid(at: time) }
    }

    /// Lets newer rows replace what is current, and keeps the rows of earlier times.
    ///
    /// A list without dates says nothing about the past, so closed rows of the older list stay in force for their time.
    func updated(by newer: PriceHistory) -> PriceHistory {
        guard newer.entries.count == 1, let current = newer.entries.first, current.validFrom == nil else {
            return newer
        }
        let closed = entries.filter { entry in
            guard let end = entry.validUntil else { return false }
            return current.validUntil.map { end <= $0 } ?? true
        }
        guard let last = closed.last else { return newer }
        var dated = current
        dated.validFrom = last.validUntil
        return PriceHistory(entries: closed + [dated])
    }

    /// The part of the history that lies in a span of time.
    func clipped(from start: Timestamp?, until end: Timestamp?) -> [PriceEntry] {
        entries.compactMap { entry in
            var part = entry
            part.validFrom = [entry.validFrom, start].compactMap(\.self).max()
            part.validUntil = [entry.validUntil, end].compactMap(\.self).min()
            if let first = part.validFrom, let last = part.validUntil, first >= last { return nil }
            return part
        }
    }
}
