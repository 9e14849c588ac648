// SPDX-License-Identifier: Apache-2.0

package import Usage

/// Everything a status bar shows, in one answer: it is drawn at every prompt.
package struct StatusLineDocument: Codable, Hashable, Sendable {
    /// The session that was named; nil when it is unknown.
    package var session: Sums?
    package var today: Sums
    /// The current month's; nil without a budget.
    package var budget: SummaryDocument.Budget?
    /// The block of five hours that is under way; nil when there is none.
    package var block: BlocksDocument.Block?
    /// The limits of subscriptions that hold now, of each account the newest report.
    @Added package var limits: [LimitsDocument.Limit]

    /// Sums over calls.
    package typealias Sums = SummaryDocument.Series.Value

    package init(
        today: UsageTotals,
        session: UsageTotals?,
        budget: SummaryDocument.Budget?,
        block: BlocksDocument.Block?,
        limits: [LimitsDocument.Limit]
    ) {
        (self.today, self.session) = (Sums(today), session.map(Sums.init))
        (self.budget, self.block, self.limits) = (budget, block, limits)
    }
}
