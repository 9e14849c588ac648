// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import UsageDatabase

/// Values by the numbers of rows, however large the numbers are.
struct SparseTableTests {
    @Test func `a value is found under its number and nowhere else`() {
        var table = SparseTable<Int32>()
        let rows: [Int32] = [0, 1, 1_023, 1_024, 70_000, .max]
        for row in rows { table[row] = row }
        for row in rows { #expect(table[row] == row) }
        for row: Int32 in [2, 1_025, 69_999, .max - 1, -1, .min] { #expect(table[row] == nil) }
        #expect(table.count == rows.count)
        table[1] = nil
        table[2] = nil
        table[-1] = 5
        #expect(table[1] == nil && table[-1] == nil && table.count == rows.count - 1)
    }
}
