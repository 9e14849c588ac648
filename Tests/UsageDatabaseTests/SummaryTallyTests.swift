// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import UsageDatabase

/// The sums of a period while they are made.
struct SummaryTallyTests {
    @Test(arguments: [[5], [1, 1, 1, 1], [3, 1, 2], [-4, 9, 9, 0, 2, 9], Array(1...500)] as [[Int64]])
    func `the amount at a rank is that of the sorted amounts`(amounts: [Int64]) {
        let sorted = amounts.sorted(by: >)
        for rank in amounts.indices { #expect(SummaryTally.largest(rank, of: amounts) == sorted[rank]) }
    }
}
