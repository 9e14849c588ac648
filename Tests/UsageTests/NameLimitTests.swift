// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// External names are limited.
struct NameLimitTests {
    /// Names of all lengths around the limit, of one to four bytes a scalar, of many scalars a character, and beyond.
    private static func names(_ random: inout SeededGenerator) -> [String] {
        let pieces = ["a", "é", "名", "🙂", "👩‍👩‍👧‍👦", "e\u{301}", "\r\n", "\0", "…", "\u{FFFD}"]
        return (0..<400).map { _ in
            let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
            let other = pieces[Int.random(in: 0..<pieces.count, using: &random)]
            let count = Int.random(in: 0...700, using: &random)
            return String(repeating: piece, count: count) + other + String(repeating: piece, count: count % 7)
        }
    }

    @Test func `a long name is cut and keeps its beginning, and a cut name is not changed again`() {
        var random = SeededGenerator(seed: 3)
        for name in Self.names(&random) {
            let bounded = NameLimit.bounded(name)
            #expect(bounded.utf8.count <= NameLimit.bytes)
            #expect(NameLimit.bounded(bounded) == bounded)
            let bytes = Array(name.utf8)
            #expect(bytes.withUnsafeBytes { NameLimit.bounded(utf8: $0) } == bounded)
            guard name.utf8.count > NameLimit.bytes else {
                #expect(Array(bounded.utf8) == bytes)
                continue
            }
            // Sixteen digits and an ellipsis follow whole characters.
            let head = String(bounded.unicodeScalars.dropLast(17))
            #expect(name.utf8.starts(with: head.utf8))
            #expect(head.isEmpty || name.hasPrefix(head))
        }
    }

    @Test func `two names stay two wherever they differ`() {
        let name = String(repeating: "x", count: 100_000)
        var seen: Set<String> = [NameLimit.bounded(name), NameLimit.bounded(name + "x")]
        for place in [0, 400, 492, 493, 511, 512, 99_999] {
            var bytes = Array(name.utf8)
            bytes[place] = UInt8(ascii: "y")
            #expect(seen.insert(NameLimit.bounded(String(decoding: bytes, as: UTF8.self))).inserted)
        }
        #expect(seen.count == 9)
    }

    @Test func `one character may be longer than any name`() {
        let name = "e" + String(repeating: "\u{301}", count: 50_000)
        #expect(name.count == 1)
        #expect((400...NameLimit.bytes).contains(NameLimit.bounded(name).utf8.count))
    }

    @Test func `the cut name is the same in every version, because it is stored`() {
        #expect(
            NameLimit.bounded(String(repeating: "n", count: 600))
                == String(repeating: "n", count: 493) + "…" + "5482432bf01b740d"
        )
    }

    @Test func `bytes that are no UTF-8 are repaired within the limit`() {
        for count in [300, 512, 5_000] {
            let bytes = [UInt8](repeating: 0xFF, count: count)
            let name = bytes.withUnsafeBytes { NameLimit.bounded(utf8: $0) }
            #expect(name.utf8.count <= NameLimit.bytes && name.hasPrefix("\u{FFFD}"))
        }
    }
}

/// Answers list a limited number of names and the sum of the others.
struct ListedNamesTests {
    @Test func `sums stay exact and the largest are listed, in whatever order they come`() {
        var random = SeededGenerator(seed: 5)
        for count in [0, 1, 199, 200, 201, 1_000] {
            var totals: [String: UsageTotals] = [:]
            for number in 0..<count {
                var sums = UsageTotals()
                sums.calls = Int64.random(in: 1...3, using: &random)
                sums.counts.output = Int64.random(in: 0...2, using: &random)
                sums.cost = Money(nanodollars: Int64.random(in: 0...40, using: &random))
                totals[number == 7 ? ListedNames.other : "n\(number)"] = sums
            }
            let chosen = ListedNames.chosen(of: totals)
            let bounded = ListedNames.bounded(totals, to: chosen)
            func sum(_ totals: [String: UsageTotals]) -> UsageTotals {
                totals.values.reduce(into: UsageTotals()) { $0 += $1 }
            }
            #expect(sum(bounded) == sum(totals))
            guard count > ListedNames.most else {
                #expect(bounded == totals)
                continue
            }
            #expect(bounded.count == ListedNames.most + 1 && bounded[ListedNames.other] != nil)
            let expected = totals.filter { $0.key != ListedNames.other }.sorted {
                let (left, right) = ($0.value, $1.value)
                return (right.cost.nanodollars, right.counts.total, right.calls, $0.key)
                    < (left.cost.nanodollars, left.counts.total, left.calls, $1.key)
            }
            #expect(chosen == Set(expected.prefix(ListedNames.most).map(\.key)))
        }
    }

    @Test func `models without a price and the costs of a session are bounded alike`() {
        let models = (0..<300).map {
            UnpricedModel(
                model: "m\(1_000 + $0)",
                calls: Int64($0 % 250),
                lastSeenAt: Timestamp(nanoseconds: Int64($0))
            )
        }
        let bounded = ListedNames.bounded(models)
        #expect(bounded.count == 201 && bounded.last?.model == ListedNames.other)
        #expect(bounded.map(\.calls).reduce(0, +) == models.map(\.calls).reduce(0, +))
        #expect(bounded.dropLast().map(\.model) == bounded.dropLast().map(\.model).sorted())
        let costs = Dictionary(uniqueKeysWithValues: (0..<300).map { ("m\($0)", Money(nanodollars: Int64($0))) })
        #expect(ListedNames.bounded(costs).values.reduce(.zero, +) == costs.values.reduce(.zero, +))
        #expect(ListedNames.bounded(costs)[ListedNames.other] == Money(nanodollars: 4_950))
    }

    @Test func `sums stop at their limits and say so`() {
        #expect(Int64.max.saturatingAdding(1) == .max && Int64.min.saturatingAdding(-1) == .min)
        #expect(Int64.min.saturatingSubtracting(1) == .min && Int64.max.saturatingSubtracting(-1) == .max)
        #expect(Int64.max.saturatingMultiplied(by: -2) == .min && Int64.min.saturatingMultiplied(by: -1) == .max)
        var totals = UsageTotals()
        (totals.calls, totals.cost) = (.max, Money(nanodollars: .max - 1))
        #expect(!totals.isSaturated)
        totals += totals
        #expect(totals.isSaturated && totals.calls == .max && totals.cost.nanodollars == .max)
        #expect(Money(nanodollars: .min) + Money(nanodollars: -1) == Money(nanodollars: .min))
    }
}
