// SPDX-License-Identifier: Apache-2.0

/// Which calls or sessions a question is about: for each dimension the names that are meant, any of them; none means all.
///
/// The empty name means those without a known name.
public struct UsageFilter: Sendable, Hashable {
    private var wanted: [UsageDimension: Set<String>] = [:]
    /// How sessions are called before their names are compared and grouped.
    public var naming = NamingRules()
    /// By which clock an hour is meant.
    public var clock = LocalClock.utc

    /// Lets everything through.
    public init() {}

    /// The names that are meant; empty for all.
    public subscript(dimension: UsageDimension) -> Set<String> {
        get { wanted[dimension] ?? [] }
        set { wanted[dimension] = newValue.isEmpty ? nil : newValue }
    }

    /// Whether everything is let through.
    public var isEmpty: Bool { wanted.isEmpty }

    /// The dimensions with a condition, in the order of all.
    public var dimensions: [UsageDimension] { UsageDimension.allCases.filter { wanted[$0] != nil } }

    /// Whether a name is meant.
    public func allows(_ name: String?, as dimension: UsageDimension) -> Bool {
        guard let names = wanted[dimension] else { return true }
        return names.contains(name ?? "")
    }

    /// Whether a session with these names is meant; says nothing about its calls.
    public func allows(_ session: SessionNames) -> Bool {
        wanted.allSatisfy { dimension, names in
            !dimension.isOfSession || names.contains(naming.name(of: session, in: dimension) ?? "")
        }
    }

    /// Whether a call that ended at this time is meant; says nothing about its other properties.
    public func allows(_ time: Timestamp) -> Bool {
        guard let hours = wanted[.hour] else { return true }
        return hours.contains(LocalClock.names[clock.hour(of: time)])
    }
}

/// What is asked about a period.
public struct UsageQuery: Sendable, Hashable {
    /// The days.
    public var period: Period
    /// The present, from which follows who is active.
    public var now: Timestamp
    /// Which calls.
    public var filter = UsageFilter()
    /// By what each day is split up; nil for not at all.
    public var series: UsageDimension?

    /// Whether the sessions are listed; leaving them out saves time.
    public var listsSessions = true

    /// Creates a question about all calls of a period.
    public init(_ period: Period, now: Timestamp) {
        self.period = period
        self.now = now
    }
}

/// A model without a price that calls name.
public struct UnpricedModel: Sendable, Hashable {
    /// The model; empty when no sender named it.
    public var model: String
    /// How many counted calls have no price.
    public var calls: Int64
    /// The newest of them.
    public var lastSeenAt: Timestamp

    /// Creates an entry.
    public init(model: String, calls: Int64, lastSeenAt: Timestamp) {
        self.model = model
        self.calls = calls
        self.lastSeenAt = lastSeenAt
    }
}
