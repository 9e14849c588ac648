// SPDX-License-Identifier: Apache-2.0

import Usage

/// Sums over calls, as the API tells them of a model, a day, a session and so on.
struct UsageFigures: Hashable {
    var calls: Int64 = 0
    var unpricedCalls: Int64 = 0
    var input: Int64 = 0
    var cacheRead: Int64 = 0
    var cacheWrite: Int64 = 0
    var output: Int64 = 0
    /// A part of `output`.
    var reasoning: Int64 = 0
    var cost = Money.zero
    var sessions: Int64?

    /// All tokens; reasoning is in the output.
    var tokens: Int64 { [input, cacheRead, cacheWrite, output].reduce(0, Self.sum) }

    /// Whether calls were made and none of them has a price.
    var isUnpriced: Bool { calls > 0 && unpricedCalls == calls }

    static func += (left: inout UsageFigures, right: UsageFigures) {
        left.calls = sum(left.calls, right.calls)
        left.unpricedCalls = sum(left.unpricedCalls, right.unpricedCalls)
        left.input = sum(left.input, right.input)
        left.cacheRead = sum(left.cacheRead, right.cacheRead)
        left.cacheWrite = sum(left.cacheWrite, right.cacheWrite)
        left.output = sum(left.output, right.output)
        left.reasoning = sum(left.reasoning, right.reasoning)
        left.cost += right.cost
        // A session may be in both.
        left.sessions = nil
    }

    /// What is left when a part is taken away.
    func without(_ part: UsageFigures) -> UsageFigures {
        var rest = UsageFigures()
        rest.calls = calls - part.calls
        rest.unpricedCalls = unpricedCalls - part.unpricedCalls
        (rest.input, rest.output) = (input - part.input, output - part.output)
        (rest.cacheRead, rest.cacheWrite) = (cacheRead - part.cacheRead, cacheWrite - part.cacheWrite)
        rest.reasoning = reasoning - part.reasoning
        rest.cost = Money(nanodollars: cost.nanodollars - part.cost.nanodollars)
        return rest
    }

    /// The sum, or the largest number that can be held.
    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}

extension UsageFigures: Decodable {
    private enum Keys: String, CodingKey {
        case calls, unpricedCalls, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens, cost,
            sessions
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        func number(_ key: Keys) throws -> Int64 { try values.decodeIfPresent(Int64.self, forKey: key) ?? 0 }
        (calls, unpricedCalls) = (try number(.calls), try number(.unpricedCalls))
        (input, output, reasoning) = (try number(.inputTokens), try number(.outputTokens), try number(.reasoningTokens))
        (cacheRead, cacheWrite) = (try number(.cacheReadTokens), try number(.cacheWriteTokens))
        cost = try values.decodeIfPresent(Dollars.self, forKey: .cost)?.amount ?? .zero
        sessions = try? values.decodeIfPresent(Int64.self, forKey: .sessions)
    }
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

/// Money as JSON tells it: a number of dollars.
struct Dollars: Codable, Hashable {
    var amount: Money

    init(_ amount: Money) { self.amount = amount }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let amount = Money(dollars: try container.decode(Double.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no amount of money")
        }
        self.amount = amount
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(amount.dollars)
    }
}
