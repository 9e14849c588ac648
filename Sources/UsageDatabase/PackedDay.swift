// SPDX-License-Identifier: Apache-2.0

import Usage

/// The sums of a day in a compact form: 20 to 30 bytes a row instead of a row of twelve columns, which takes a store behind a network ten
/// times as long to send and to read.
///
/// Numbers are variable-length as in Protocol Buffers; the first byte names the form, so that a later one can be told from it.
package enum PackedDay {
    private static let form: UInt8 = 1

    /// Packs the sums of a day.
    ///
    /// - Returns: nil when a row is of another day or has a negative figure, which is damage that its reader has to see.
    package static func bytes(_ sums: [SummaryMemory.Sums], ofDay day: Int64) -> [UInt8]? {
        var bytes = [form]
        bytes.reserveCapacity(1 + sums.count * 32)
        let first = day * QuarterHour.countOfDay
        for row in sums {
            let numbers = [Int64(row.quarter) - first, Int64(row.session), Int64(row.model)] + row.totals.figures
            guard numbers[0] < QuarterHour.countOfDay, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
            for number in numbers { PackedNumbers.append(number, to: &bytes) }
        }
        return bytes
    }

    /// Reads back what ``bytes(_:ofDay:)`` gave; nil when it is damaged or of an unknown form.
    package static func sums(_ bytes: [UInt8], ofDay day: Int64) -> [SummaryMemory.Sums]? {
        guard bytes.first == form else { return nil }
        return bytes.withUnsafeBytes { bytes in
            var reader = Reader(numbers: PackedNumbers.Reader(bytes: bytes, offset: 1))
            var sums: [SummaryMemory.Sums] = []
            sums.reserveCapacity(bytes.count / 24)
            while !reader.numbers.isAtEnd {
                guard let row = reader.row(of: day) else { return nil }
                sums.append(row)
            }
            return sums
        }
    }

    private struct Reader {
        var numbers: PackedNumbers.Reader

        mutating func row(of day: Int64) -> SummaryMemory.Sums? {
            guard let quarter = number(atMost: QuarterHour.countOfDay - 1),
                let place = Int32(exactly: day * QuarterHour.countOfDay + quarter),
                let session = number(atMost: Int64(Int32.max)), let model = number(atMost: Int64(Int32.max)),
                let calls = number(atMost: UsageTotals.mostCalls), let unpriced = number(atMost: UsageTotals.mostCalls),
                let input = number(), let read = number(), let short = number(), let long = number(),
                let output = number(), let reasoning = number(), let cost = number()
            else { return nil }
            var totals = UsageTotals()
            (totals.calls, totals.unpricedCalls) = (calls, unpriced)
            totals.counts = TokenCounts(
                uncachedInput: input,
                cacheRead: read,
                cacheWrite5m: short,
                cacheWrite1h: long,
                output: output,
                reasoning: reasoning
            )
            totals.cost = Money(nanodollars: cost)
            return SummaryMemory.Sums(
                quarter: place,
                session: Int32(truncatingIfNeeded: session),
                model: Int32(truncatingIfNeeded: model),
                totals: totals
            )
        }

        private mutating func number(atMost most: Int64 = .max) -> Int64? { numbers.number(atMost: most) }
    }
}
