// SPDX-License-Identifier: Apache-2.0

import Usage

/// One model call as a line of text.
enum CallText {
    /// Time, who and where, tokens by bucket, and the cost or `unpriced`.
    static func line(_ call: Call) -> String {
        let counts = call.counts
        let pairs: [(String, String?)] = [
            ("agent", call.agent), ("session", call.session), ("model", call.model),
            ("input", "\(counts.uncachedInput)"), ("cache_read", "\(counts.cacheRead)"),
            ("cache_write", "\(counts.cacheWrite)"), ("output", "\(counts.output)"),
            ("reasoning", "\(counts.reasoning)"), ("error", call.error),
        ]
        let cost = call.price.flatMap { $0.isPriced ? "cost=\(dollars($0.cost))" : nil } ?? "unpriced"
        let known = pairs.compactMap { key, value in value.map { PrintableText.pair(key, $0) } }
        return (["\(call.time.iso8601) call"] + known + [cost]).joined(separator: " ")
    }

    /// An amount as `$1.25`: exact, with at least two decimals.
    static func dollars(_ money: Money) -> String {
        let (whole, rest) = money.nanodollars.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        var decimals = String(String(rest + 1_000_000_000).dropFirst())
        while decimals.utf8.count > 2, decimals.last == "0" { decimals.removeLast() }
        return "\(money.nanodollars < 0 ? "-" : "")$\(whole).\(decimals)"
    }
}
