// SPDX-License-Identifier: Apache-2.0

/// Values by the number of a row: as fast as an array, with memory for the rows that there are.
///
/// Rows are numbered one after the other, so an array would do; but one damaged number would make it as long as that number says.
struct SparseTable<Value> {
    private var pages: [[Value?]] = []
    /// How many values there are.
    private(set) var count = 0

    /// How many rows a page has.
    private static var pageSize: Int { 1_024 }

    /// The value of a row; nil where there is none, and for negative numbers.
    @inline(__always) subscript(row: Int32) -> Value? {
        get {
            guard row >= 0 else { return nil }
            let page = Int(row) / Self.pageSize
            guard page < pages.count, !pages[page].isEmpty else { return nil }
            return pages[page][Int(row) % Self.pageSize]
        }
        set {
            guard row >= 0 else { return }
            let (page, place) = (Int(row) / Self.pageSize, Int(row) % Self.pageSize)
            if page >= pages.count { pages += Array(repeating: [], count: page + 1 - pages.count) }
            if pages[page].isEmpty { pages[page] = Array(repeating: nil, count: Self.pageSize) }
            count += (newValue == nil ? 0 : 1) - (pages[page][place] == nil ? 0 : 1)
            pages[page][place] = newValue
        }
    }
}

extension SparseTable: Sendable where Value: Sendable {}
