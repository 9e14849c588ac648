// SPDX-License-Identifier: Apache-2.0

import JSON

/// The token figures of Codex, of one call or running totals; cached input is part of input, reasoning of output.
struct TokenVector: Equatable {
    var input: Int64 = 0
    var cached: Int64 = 0
    var written: Int64 = 0
    var output: Int64 = 0
    var reasoning: Int64 = 0
    var total: Int64 = 0

    init() {}

    /// Reads the next value; nil when it is no object.
    init?(_ cursor: inout JSONScanner) throws(LineFault) {
        guard try cursor.enterObject() else { return nil }
        while let key = try cursor.nextKey() {
            switch key.bytes.count {
            case 12 where key.equals("input_tokens"): input = try cursor.count() ?? 0
            case 12 where key.equals("total_tokens"): total = try cursor.count() ?? 0
            case 13 where key.equals("output_tokens"): output = try cursor.count() ?? 0
            case 19 where key.equals("cached_input_tokens"): cached = try cursor.count() ?? 0
            case 23 where key.equals("reasoning_output_tokens"): reasoning = try cursor.count() ?? 0
            case 24 where key.equals("cache_write_input_tokens"): written = try cursor.count() ?? 0
            default: try cursor.skipValue()
            }
        }
    }

    /// Whether there is no token.
    var isZero: Bool { input == 0 && output == 0 && cached == 0 && written == 0 }

    /// The figures in a fixed order; ``total`` is left out because it repeats them.
    var values: [Int64] { [input, cached, written, output, reasoning] }

    /// Applies a function to each pair of figures.
    private func combined(_ other: TokenVector, _ function: (Int64, Int64) -> Int64) -> TokenVector {
        var result = TokenVector()
        result.input = function(input, other.input)
        result.cached = function(cached, other.cached)
        result.written = function(written, other.written)
        result.output = function(output, other.output)
        result.reasoning = function(reasoning, other.reasoning)
        result.total = function(total, other.total)
        return result
    }

    /// What has come on top, nothing below zero.
    func minus(_ other: TokenVector) -> TokenVector { combined(other) { max(0, $0 - $1) } }

    /// The smaller of each figure.
    func minimum(_ other: TokenVector) -> TokenVector { combined(other, Swift.min) }

    /// Whether a figure is smaller than that of the other.
    func hasDropped(below other: TokenVector) -> Bool {
        input < other.input || cached < other.cached || written < other.written || output < other.output
            || reasoning < other.reasoning
    }

    /// Whether all figures but ``total`` are equal.
    func agrees(with other: TokenVector) -> Bool {
        input == other.input && cached == other.cached && written == other.written && output == other.output
            && reasoning == other.reasoning
    }
}

/// Turns the running totals of a rollout into calls.
///
/// The same total is written again and again, a fork starts with its parent's total, and a resumed session of old versions starts from zero
/// again; so only growth counts, and never more than the event itself says the last call was.
struct RunningTotal: Equatable {
    /// The total of the last event; nil before the first.
    var previous: TokenVector?
    /// Totals from which the count fell; to come back to one of them is no growth.
    var peaks: [TokenVector] = []
    /// Tokens by which totals grew beyond what single calls explain.
    var unexplained: Int64 = 0

    private static let peakLimit = 8

    /// What a call of this event used; nil when the event repeats what is known.
    ///
    /// - Parameters:
    ///   - total: The running total, where there is one.
    ///   - last: The figures of the last call, where there are any.
    mutating func growth(total: TokenVector?, last: TokenVector?) -> TokenVector? {
        guard let total else { return last.flatMap { $0.isZero ? nil : $0 } }
        guard let previous else {
            // The first event: whatever exceeds its own call was counted where it was spent.
            self.previous = total
            let growth = last ?? total
            return growth.isZero ? nil : growth
        }
        guard !total.agrees(with: previous) else { return nil }
        self.previous = total
        if total.hasDropped(below: previous) {
            remember(previous)
            if peaks.contains(where: total.agrees) { return nil }
            return last.flatMap { $0.isZero ? nil : $0 }
        }
        if peaks.contains(where: total.agrees) { return nil }
        let growth = total.minus(previous)
        guard let last else { return growth.isZero ? nil : growth }
        let used = growth.minimum(last)
        let excess = growth.minus(used)
        unexplained += excess.input + excess.output
        return used.isZero ? nil : used
    }

    private mutating func remember(_ peak: TokenVector) {
        guard !peaks.contains(peak) else { return }
        if peaks.count == Self.peakLimit { peaks.removeFirst() }
        peaks.append(peak)
    }
}
