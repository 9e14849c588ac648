// SPDX-License-Identifier: Apache-2.0

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
