// SPDX-License-Identifier: Apache-2.0

/// What must be known of a model call to price it.
public struct PricedCall: Sendable, Hashable {
    /// The model as the call names it.
    public var model: String
    /// Who answered, in any usual spelling; nil when it is not known.
    public var provider: String?
    /// When the call was made; prices change.
    public var time: Timestamp
    /// The tokens in disjoint buckets.
    public var counts: TokenCounts
    /// Fast mode, service tier, geography and web searches.
    public var terms: BillingTerms
    /// Whether the lifetimes of cache writes are known; otherwise they are billed at the base lifetime and the cost
    /// says so.
    public var knowsCacheLifetimes: Bool

    /// Creates a call at the list price.
    public init(
        model: String,
        provider: String? = nil,
        time: Timestamp,
        counts: TokenCounts,
        terms: BillingTerms = BillingTerms()
    ) {
        self.model = model
        self.provider = provider
        self.time = time
        self.counts = counts
        self.terms = terms
        knowsCacheLifetimes = true
    }
}

/// What a call costs after the price table.
public struct Cost: Sendable, Hashable {
    /// The cost, rounded once to the nearest 10⁻⁹ dollar, ties to even.
    public var amount: Money
    /// The row by which it was priced, see ``PriceEntry/rateKey``.
    public var rateKey: String
    /// What had to be assumed.
    public var notes: Notes

    /// Assumptions behind a cost.
    public struct Notes: OptionSet, Sendable, Hashable {
        /// The bits of the notes.
        public let rawValue: UInt16

        /// Creates notes from their bits.
        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// No rate for cache reads is published; they are billed as input.
        public static let cacheReadRateMissing = Notes(rawValue: 1 << 0)
        /// No rate for cache writes is published; they are billed as input.
        public static let cacheWriteRateMissing = Notes(rawValue: 1 << 1)
        /// No rate for one-hour cache writes is published; they are billed as base writes.
        public static let cacheWrite1hRateMissing = Notes(rawValue: 1 << 2)
        /// The lifetimes of cache writes are not known; they are billed at the base lifetime.
        public static let cacheLifetimeUnknown = Notes(rawValue: 1 << 3)
        /// The service tier is not known, or some of its rates are not published; the list price was used for them.
        public static let serviceTierRateMissing = Notes(rawValue: 1 << 4)
        /// Fast mode was used, and no factor for it is published; the list price was used.
        public static let fastFactorMissing = Notes(rawValue: 1 << 5)
        /// Web searches were made, and no price for them is published; they are left out.
        public static let webSearchPriceMissing = Notes(rawValue: 1 << 6)
        /// A count was negative or beyond belief and was cut.
        public static let countsCut = Notes(rawValue: 1 << 7)
    }
}
