// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// Sums over calls: of a model, a day, a session and so on.
struct UsageFigures: Hashable {
    var calls: Int64 = 0
    var unpricedCalls: Int64 = 0
    var input: Int64 = 0
    var cacheRead: Int64 = 0
    var cacheWrite: Int64 = 0
    var output: Int64 = 0
    /// Included in `output`.
    var reasoning: Int64 = 0
    var cost = Money.zero
    var sessions: Int64?

    /// All tokens; reasoning tokens are included in the output.
    var tokens: Int64 { [input, cacheRead, cacheWrite, output].reduce(0) { $0.saturatingAdding($1) } }

    /// Whether there are calls and none has a price.
    var isUnpriced: Bool { calls > 0 && unpricedCalls == calls }

    static func += (left: inout UsageFigures, right: UsageFigures) {
        left.calls = left.calls.saturatingAdding(right.calls)
        left.unpricedCalls = left.unpricedCalls.saturatingAdding(right.unpricedCalls)
        left.input = left.input.saturatingAdding(right.input)
        left.cacheRead = left.cacheRead.saturatingAdding(right.cacheRead)
        left.cacheWrite = left.cacheWrite.saturatingAdding(right.cacheWrite)
        left.output = left.output.saturatingAdding(right.output)
        left.reasoning = left.reasoning.saturatingAdding(right.reasoning)
        left.cost += right.cost
        // A session may be in both, so the counts of sessions cannot be added.
        left.sessions = nil
    }

    /// The rest after a part is subtracted.
    func without(_ part: UsageFigures) -> UsageFigures {
        var rest = UsageFigures()
        func left(_ whole: Int64, _ part: Int64) -> Int64 { max(0, whole.saturatingSubtracting(part)) }
        rest.calls = left(calls, part.calls)
        rest.unpricedCalls = left(unpricedCalls, part.unpricedCalls)
        (rest.input, rest.output) = (left(input, part.input), left(output, part.output))
        (rest.cacheRead, rest.cacheWrite) = (left(cacheRead, part.cacheRead), left(cacheWrite, part.cacheWrite))
        rest.reasoning = left(reasoning, part.reasoning)
        rest.cost = Money(nanodollars: left(cost.nanodollars, part.cost.nanodollars))
        return rest
    }

    /// Whether a figure has the largest value that fits: the true one may be larger.
    var isSaturated: Bool { [input, cacheRead, cacheWrite, output, tokens, cost.nanodollars].contains(.max) }
}

extension UsageFigures {
    /// The sums of a part of a document.
    init(_ counts: some UsageCounts) {
        (calls, unpricedCalls, cost) = (counts.calls, counts.unpricedCalls, counts.cost.amount)
        (input, output, reasoning) = (counts.inputTokens, counts.outputTokens, counts.reasoningTokens)
        (cacheRead, cacheWrite) = (counts.cacheReadTokens, counts.cacheWriteTokens)
        sessions = counts.sessionCount
    }
}

extension UsageCounts {
    /// Its sums.
    var figures: UsageFigures { UsageFigures(self) }
}

extension ByName where Value: UsageCounts {
    /// The sums of each member.
    var figures: [String: UsageFigures] {
        Dictionary(members.map { ($0.name, $0.value.figures) }) { $1 }
    }
}

extension SummaryDocument {
    /// The sums of the whole period.
    var totals: UsageFigures {
        var totals = UsageFigures()
        (totals.calls, totals.unpricedCalls, totals.cost) = (callCount, unpricedCalls, totalCost.amount)
        (totals.input, totals.output, totals.reasoning) = (totalInputTokens, totalOutputTokens, totalReasoningTokens)
        (totals.cacheRead, totals.cacheWrite) = (totalCacheReadTokens, totalCacheWriteTokens)
        totals.sessions = sessionCount
        return totals
    }

    /// The period for people.
    var title: String { period == "custom" ? (from == to ? from : "\(from) to \(to)") : period }
}

extension UsageFigures: Encodable {
    private enum OutputKeys: String, CodingKey {
        case calls, unpricedCalls, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens,
            totalTokens
        case cost, sessions
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: OutputKeys.self)
        try values.encode(calls, forKey: .calls)
        try values.encode(unpricedCalls, forKey: .unpricedCalls)
        try values.encode(input, forKey: .inputTokens)
        try values.encode(cacheRead, forKey: .cacheReadTokens)
        try values.encode(cacheWrite, forKey: .cacheWriteTokens)
        try values.encode(output, forKey: .outputTokens)
        try values.encode(reasoning, forKey: .reasoningTokens)
        try values.encode(tokens, forKey: .totalTokens)
        try values.encode(Dollars(cost), forKey: .cost)
        try values.encodeIfPresent(sessions, forKey: .sessions)
    }
}
