// SPDX-License-Identifier: Apache-2.0

/// What changes the price of a call beside its tokens.
public struct BillingTerms: Sendable, Hashable, Codable {
    /// Whether the provider's fast mode was used.
    public var isFast = false
    /// The service tier (`priority`, `flex`, `batch`); nil or `standard` is the list price.
    public var serviceTier: String?
    /// Where inference was bound to run, such as `us`; nil when it was not bound.
    public var geography: String?
    /// Web searches the provider ran and bills one by one.
    public var webSearches: Int64 = 0

    /// Creates the terms of the list price.
    public init() {}

    /// Takes in what another observation knows.
    public mutating func merge(_ other: BillingTerms) {
        isFast = isFast || other.isFast
        serviceTier = [serviceTier, other.serviceTier].compactMap(\.self).min()
        geography = [geography, other.geography].compactMap(\.self).min()
        webSearches = max(webSearches, other.webSearches)
    }
}
