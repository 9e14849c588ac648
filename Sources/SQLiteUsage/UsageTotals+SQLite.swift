// SPDX-License-Identifier: Apache-2.0

import Usage
import UsageDatabase

extension UsageTotals {
    /// Adds a row's new figures to those it has; like every sum it stops at the largest number that can be held.
    static func addition(of figure: (String) -> String) -> String {
        columns.map { "\($0) = min(\($0) + \(figure($0)), \(Int64.max))" }.joined(separator: ", ")
    }

    /// Adds a row's new figures of which some are negative, because calls go.
    ///
    /// A sum that stopped at the largest number goes to zero at least. A sum that is negative already is damage and stays so, for its next reader.
    static func subtraction(of figure: (String) -> String) -> String {
        columns.map { "\($0) = min(max(\($0) + \(figure($0)), min(\($0), 0)), \(Int64.max))" }.joined(separator: ", ")
    }
}
