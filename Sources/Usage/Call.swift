// SPDX-License-Identifier: Apache-2.0

/// One call to a model, counted once: what all its observations know together.
public struct Call: Sendable, Hashable, HasOrigin {
    /// Identifies the call; made of its strongest key, so that every collector that sees it finds the same.
    public var id: UInt64
    /// The end of the call, after its best observation.
    public var time: Timestamp
    /// Whether it counts; false for a roll-up whose descendants are counted.
    public var isCounted: Bool
    /// Who made it, where and with which model; each text after the best observation that knows it.
    public var origin: SharedOrigin
    /// The tokens in disjoint buckets.
    public var counts: TokenCounts
    /// Whether the lifetimes of cache writes are known.
    public var knowsCacheLifetimes: Bool
    /// What the sender itself said the call cost.
    public var reportedCost: Money?
    /// Whether ``reportedCost`` was given with an event and holds whatever the price table says.
    public var isCostGiven: Bool
    /// What changes the price beside the tokens.
    public var terms: BillingTerms
    /// How long it took, in nanoseconds.
    public var duration: Int64?
    /// What went wrong, in a few words.
    public var error: String?
    /// The kinds of material that told of it, without repeats, in the order of their raw values.
    public var sources: [Observation.Source]
    /// How many observations tell of it.
    public var observationCount: Int
    /// Whether nothing but resemblance ties some of its observations to the others: no id is common to them.
    public var isWeaklyJoined: Bool
    /// The price, once ``Pricing`` has set it; nil when the call was never priced.
    public var price: CallPrice?

    /// Creates a call that counts and of which nothing but its tokens is known.
    public init(id: UInt64, time: Timestamp, counts: TokenCounts) {
        self.id = id
        self.time = time
        self.counts = counts
        isCounted = true
        origin = .unknown
        knowsCacheLifetimes = false
        isCostGiven = false
        terms = BillingTerms()
        sources = []
        observationCount = 0
        isWeaklyJoined = false
    }

    /// Whether the sender reported a cost and, of its tokens, at most those read from a cache, so that no price table can give the cost.
    ///
    /// OpenHands writes calls of OpenAI's Responses API like this: `gen_ai.usage.cost`, and at most cached tokens.
    public var hasCostAlone: Bool {
        counts.uncachedInput == 0 && counts.cacheWrite == 0 && counts.output == 0 && (reportedCost ?? .zero) > .zero
    }

    /// The name of the call in answers: sixteen hexadecimal digits.
    public var name: String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// What a call costs, and how that is known.
public struct CallPrice: Sendable, Hashable {
    /// The amount that counts: computed or reported, as the configuration prefers; zero when unpriced.
    public var cost: Money
    /// Whether a price was found; false leaves the call out of the cost and puts its model on the list of unpriced models.
    public var isPriced: Bool
    /// The amount after the price table, when the model is in it.
    public var computed: Money?

    /// Creates a price.
    public init(cost: Money, isPriced: Bool, computed: Money?) {
        self.cost = cost
        self.isPriced = isPriced
        self.computed = computed
    }
}
