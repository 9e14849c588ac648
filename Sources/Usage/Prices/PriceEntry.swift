// SPDX-License-Identifier: Apache-2.0

/// What a provider publishes about the price of one model for a span of time.
public struct PriceEntry: Sendable, Hashable {
    /// The provider in whose price list the row is (`anthropic`, `bedrock`, `vertex_ai`); `override` for a
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

    /// Whether the row can price a call; a row without rates, or with zeros that are not marked as free, cannot.
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

// MARK: - Cost

extension PriceEntry {
    /// The cost of a call by this row; nil when tokens were used for which the row has no rate.
    ///
    /// One set of rates holds for the whole request: the list price, or what the largest threshold that the prompt
    /// crosses and the service tier put in its place. Missing rates of cache buckets fall back to the input rate; zero
    /// is free. Then come the factors of fast mode and region. Everything is exact until the one rounding at the end.
    public func cost(of call: PricedCall) -> Cost? {
        var notes: Cost.Notes = []
        let counts = call.counts.believable
        if counts != call.counts { notes.insert(.countsCut) }
        let rates = rates(prompt: counts.prompt, at: call.time, serviceTier: call.terms.serviceTier, &notes)
        guard let tokens = rates.cost(of: counts, &notes) else { return nil }
        if counts.cacheWrite5m > 0, !call.knowsCacheLifetimes { notes.insert(.cacheLifetimeUnknown) }

        var cost = ExactCost(attodollars: tokens)
        cost.multiply(by: factor)
        if call.terms.isFast || isFastName {
            if let fastFactor { cost.multiply(by: fastFactor) } else { notes.insert(.fastFactorMissing) }
        }
        if let region = call.terms.geography, !regionFactors.isEmpty, let factor = regionFactors[region.lowercased()] {
            cost.multiply(by: factor)
        }
        var amount = cost.rounded
        let searches = min(max(call.terms.webSearches, 0), TokenCounts.limit)
        if searches > 0 {
            if let webSearch {
                amount += Self.product(webSearch, searches)
            } else {
                notes.insert(.webSearchPriceMissing)
            }
        }
        return Cost(amount: amount, rateKey: rateKey, notes: notes)
    }

    /// The one set of rates of a request.
    private func rates(prompt: Int64, at time: Timestamp, serviceTier name: String?, _ notes: inout Cost.Notes) -> Rates
    {
        var result = rates
        var threshold: Int64 = 0
        for tier in tiers where tier.serviceTier == .standard && tier.holds(prompt: prompt) {
            result.overlay(tier.rates)
            threshold = tier.threshold
        }
        let service = ServiceTier(name: name)
        if service == .standard {
            if let offPeak, offPeak.holds(at: time) { result.overlay(offPeak.rates) }
            return result
        }
        var isPublished = false
        // Rates of a service tier for small prompts say nothing about large ones, whose list price may be higher.
        for tier in tiers where tier.serviceTier == service && tier.threshold >= threshold && tier.holds(prompt: prompt)
        {
            result.overlay(tier.rates)
            isPublished = true
        }
        if !isPublished { notes.insert(.serviceTierRateMissing) }
        return result
    }

    private static func product(_ price: Money, _ count: Int64) -> Money {
        let (product, overflow) = price.nanodollars.multipliedReportingOverflow(by: count)
        return Money(nanodollars: overflow ? .max : product)
    }
}

/// A cost that is not rounded yet.
private struct ExactCost {
    private var amount: Int128
    /// How many units of the amount are 10⁻⁹ dollar.
    private var divisor: Int128 = 1_000_000_000
    private var isTooLarge = false

    init(attodollars: Int128) {
        amount = attodollars
    }

    mutating func multiply(by factor: PriceFactor) {
        guard factor != .one else { return }
        let (product, overflow) = amount.multipliedReportingOverflow(by: Int128(factor.thousandths))
        isTooLarge = isTooLarge || overflow
        amount = product
        divisor *= 1000
    }

    /// Nanodollars, rounded half to even; the largest amount when it is larger.
    var rounded: Money {
        guard !isTooLarge, let nanodollars = Int64(exactly: amount.dividedHalfToEven(by: divisor)) else {
            return Money(nanodollars: .max)
        }
        return Money(nanodollars: nanodollars)
    }
}

extension Rates {
    /// The cost in 10⁻¹⁸ dollar; nil when a bucket with tokens has no rate.
    fileprivate func cost(of counts: TokenCounts, _ notes: inout Cost.Notes) -> Int128? {
        if counts.cacheRead > 0, cacheRead == nil { notes.insert(.cacheReadRateMissing) }
        if counts.cacheWrite > 0, cacheWrite == nil, counts.cacheWrite5m > 0 || cacheWrite1h == nil {
            notes.insert(.cacheWriteRateMissing)
        }
        if counts.cacheWrite1h > 0, cacheWrite1h == nil { notes.insert(.cacheWrite1hRateMissing) }
        guard let uncached = Self.product(counts.uncachedInput, input),
            let read = Self.product(counts.cacheRead, cacheRead ?? input),
            let write = Self.product(counts.cacheWrite5m, cacheWrite ?? input),
            let write1h = Self.product(counts.cacheWrite1h, cacheWrite1h ?? cacheWrite ?? input),
            let answer = Self.product(counts.output - counts.reasoning, output),
            let thought = Self.product(counts.reasoning, reasoning ?? output)
        else { return nil }
        return uncached + read + write + write1h + answer + thought
    }

    /// A rate is at most 2^60 and a count at most 2^40, so that six products stay far below 2^127.
    private static func product(_ count: Int64, _ rate: Rate?) -> Int128? {
        guard count > 0 else { return 0 }
        return rate.map { Int128(count) * Int128($0.attodollarsPerToken) }
    }
}

extension TokenCounts {
    /// The counts, each between zero and the limit, and reasoning within the output.
    fileprivate var believable: TokenCounts {
        func cut(_ count: Int64) -> Int64 { min(max(count, 0), Self.limit) }
        let output = cut(output)
        return TokenCounts(
            uncachedInput: cut(uncachedInput),
            cacheRead: cut(cacheRead),
            cacheWrite5m: cut(cacheWrite5m),
            cacheWrite1h: cut(cacheWrite1h),
            output: output,
            reasoning: min(cut(reasoning), output)
        )
    }
}

extension PriceTable {
    /// The cost of a call; nil when its model is unpriced at that time.
    ///
    /// ``PriceEntry/cost(of:)`` has the rules.
    public func cost(of call: PricedCall) -> Cost? {
        entry(model: call.model, provider: call.provider, at: call.time)?.cost(of: call)
    }
}

// MARK: - Terms

/// The last column of a price file: everything beside the list price.
extension PriceEntry {
    /// Reads one term such as `>200000=6/22.5`, `batch=1.5/7.5`, `fast*2` or `search=0.01`.
    mutating func read(term: some StringProtocol) throws(PriceLine.Problem) {
        if term == "free" {
            isFree = true
        } else if let separator = term.lastIndex(of: "="), !term[..<separator].isEmpty {
            try read(name: String(term[..<separator]), value: String(term[term.index(after: separator)...]))
        } else if let separator = term.firstIndex(of: "*") {
            let name = String(term[..<separator])
            guard let factor = PriceFactor(term[term.index(after: separator)...]), !name.isEmpty else {
                throw PriceLine.Problem("\"\(term.prefix(40))\" is not a factor")
            }
            if name == "fast" { fastFactor = factor } else { regionFactors[name] = factor }
        } else {
            throw PriceLine.Problem("unknown term \"\(term.prefix(40))\"")
        }
    }

    /// The terms of the row, separated by spaces.
    var terms: String {
        var terms = tiers.map { "\($0.name)=\($0.rates.list)" }
        var factors = regionFactors
        factors["fast"] = fastFactor
        terms += factors.sorted { $0.key < $1.key }.map { "\($0.key)*\($0.value.text)" }
        if let webSearch { terms.append("search=\(DecimalText.text(webSearch.nanodollars, scale: 9))") }
        if let offPeak { terms += offPeak.terms }
        if let endDate { terms.append("ends=\(endDate)") }
        if isFree { terms.append("free") }
        return terms.joined(separator: " ")
    }

    private mutating func read(name: String, value: String) throws(PriceLine.Problem) {
        switch name {
        case "ends":
            endDate = value
        case "search":
            guard let price = DecimalText.scaled(value.utf8, by: 9), price <= 1_000_000_000_000 else {
                throw PriceLine.Problem("\"\(value.prefix(40))\" is not a price")
            }
            webSearch = Money(nanodollars: price)
        case "offpeak":
            offPeak = OffPeakRates(rates: try PriceLine.rates(value.split(separator: "/")), windows: [])
        case "hours":
            guard offPeak != nil, let windows = OffPeakRates.windows(value) else {
                throw PriceLine.Problem("\"\(value.prefix(60))\" are not hours of an offpeak rate")
            }
            offPeak?.windows = windows
        case "weekdays":
            guard offPeak != nil, let offset = OffPeakRates.offset(value) else {
                throw PriceLine.Problem("\"\(value.prefix(40))\" is not a time zone of an offpeak rate")
            }
            offPeak?.weekdayOffset = offset
        default:
            guard var tier = PriceTier(name: name) else {
                throw PriceLine.Problem("unknown term \"\(name.prefix(40))\"")
            }
            tier.rates = try PriceLine.rates(value.split(separator: "/"))
            add(tier)
        }
    }

    /// Adds a tier at its place: by service tier in the order of names, then by threshold.
    mutating func add(_ tier: PriceTier) {
        tiers.append(tier)
        tiers.sort { ($0.order, $0.threshold) < ($1.order, $1.threshold) }
    }
}

extension Rates {
    /// The rates as a list, cut short behind the last that is published.
    var list: String {
        var fields = Rates.columns.map { self[keyPath: $0]?.perMillion ?? "-" }
        while fields.count > 2, fields.last == "-" { fields.removeLast() }
        return fields.joined(separator: "/")
    }
}

extension PriceTier {
    /// The condition as a price file writes it: `>200000`, `batch`, `batch>=200000`.
    fileprivate var name: String {
        let tier = serviceTier == .standard ? "" : serviceTier.rawValue
        return threshold == 0 ? tier : "\(tier)\(isInclusive ? ">=" : ">")\(threshold)"
    }

    fileprivate var order: String { serviceTier == .standard ? "" : serviceTier.rawValue }

    fileprivate init?(name: String) {
        let isInclusive = name.contains(">=")
        let parts = name.split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false)
        guard let tier = parts[0].isEmpty ? .standard : ServiceTier(rawValue: String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            guard tier != .standard else { return nil }
            self.init(serviceTier: tier, threshold: 0, isInclusive: false, rates: Rates())
            return
        }
        guard let threshold = Int64(parts[1].drop { $0 == "=" }), (1...TokenCounts.limit).contains(threshold) else {
            return nil
        }
        self.init(serviceTier: tier, threshold: threshold, isInclusive: isInclusive, rates: Rates())
    }
}
