// SPDX-License-Identifier: Apache-2.0

package import Usage

/// The calls of a period at another model's list prices.
package struct CompareDocument: Codable, Hashable, Sendable {
    package var period: String
    package var from: String
    package var to: String
    package var timezone: String
    /// The model whose prices are taken.
    package var model: String
    /// Of the calls that can be compared: how many, what they cost, and what they would cost.
    package var calls: Int64
    package var cost: Dollars
    package var comparedCost: Dollars
    /// Calls that are left out of all figures: they have no price of their own or no tokens.
    package var leftOutCalls: Int64
    /// The dearest first.
    package var byModel: ByName<Share>

    /// What the calls of one model cost, and would cost.
    package struct Share: Codable, Hashable, Sendable {
        package var calls: Int64
        package var cost: Dollars
        package var comparedCost: Dollars
    }

    package init(_ comparison: ModelComparison, in period: Period) {
        (self.period, from, to, timezone) = (period.name, period.from, period.to, period.timezone)
        model = comparison.model
        (calls, cost) = (comparison.total.calls, Dollars(comparison.total.cost))
        (comparedCost, leftOutCalls) = (Dollars(comparison.total.comparedCost), comparison.leftOutCalls)
        let named = comparison.byModel.named(adding: +=, by: \.cost).prefix(ListedNames.most)
        byModel = ByName(
            named.map {
                ($0, Share(calls: $1.calls, cost: Dollars($1.cost), comparedCost: Dollars($1.comparedCost)))
            }
        )
    }
}
