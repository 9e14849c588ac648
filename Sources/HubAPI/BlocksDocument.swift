// SPDX-License-Identifier: Apache-2.0

package import JSON
package import Usage

/// Calls in blocks: sessions of some hours as vendors limit them, or weeks.
package struct BlocksDocument: Codable, Hashable, Sendable {
    /// Whose days and weeks are meant.
    package var timezone: String
    /// How long a block lasts.
    package var hours: JSONNumber
    /// When weeks begin, such as `tuesday@14:30`; nil for blocks of some hours.
    package var weekStart: String?
    /// How many tokens a block may have, as asked for; nil when no limit was named or, for `max`, there is no earlier block.
    package var tokenLimit: Int64?
    /// How many blocks there are, gaps left out; only the newest are listed.
    package var total: Int64
    package var blocks: [Block]

    /// A block, or the time without calls between two of them.
    package struct Block: Codable, Hashable, Sendable, UsageCounts {
        package var id: String
        package var startTime: String
        package var endTime: String
        /// When its first call ended; nil for a gap.
        package var firstCallTime: String?
        /// When its last call ended; nil for a gap.
        package var actualEndTime: String?
        package var isActive: Bool
        package var isGap: Bool
        package var calls: Int64
        package var inputTokens: Int64
        package var outputTokens: Int64
        package var cacheReadTokens: Int64
        package var cacheWriteTokens: Int64
        package var reasoningTokens: Int64
        package var totalTokens: Int64
        package var cost: Dollars
        package var unpricedCalls: Int64
        /// Those that answered, the dearest first.
        package var models: [String]
        /// Nil for a gap and for a block with a single instant.
        package var burnRate: BurnRateDocument?
        /// Nil unless the block is active.
        package var projection: ProjectionDocument?
        /// Nil unless the block is active and a limit was named.
        package var tokenLimitStatus: LimitStatus?
    }

    /// How what a block is likely to have compares with a limit.
    package struct LimitStatus: Codable, Hashable, Sendable {
        package var limit: Int64
        package var projectedUsage: Int64
        package var percentUsed: JSONNumber
        /// `ok`, `warning` from four fifths of the limit on, or `exceeds`.
        package var status: String
    }
}

/// How fast tokens and money go.
package struct BurnRateDocument: Codable, Hashable, Sendable {
    package var tokensPerMinute: JSONNumber
    /// Uncached input and output alone.
    package var uncachedTokensPerMinute: JSONNumber
    package var costPerHour: Dollars
}

/// What there will be at the end of a time.
package struct ProjectionDocument: Codable, Hashable, Sendable {
    package var totalTokens: Int64
    package var totalCost: Dollars
    package var remainingMinutes: Int64
}

// MARK: - Writing

extension BlocksDocument {
    /// How many blocks are listed.
    package static let most = 5_000

    /// - Parameters:
    ///   - blocks: In the order of time.
    ///   - limit: How many tokens a block may have.
    package init(
        _ blocks: [UsageBlock],
        hours: JSONNumber,
        weekStart: String?,
        limit: Int64?,
        timezone: String,
        now: Timestamp
    ) {
        (self.hours, self.weekStart, self.timezone, tokenLimit) = (hours, weekStart, timezone, limit)
        total = Int64(blocks.count { !$0.isGap })
        self.blocks = blocks.suffix(Self.most).map { Block($0, limit: limit, now: now) }
    }
}

extension BlocksDocument.Block {
    init(_ block: UsageBlock, limit: Int64?, now: Timestamp) {
        let counts = block.totals.counts
        (startTime, endTime) = (block.start.iso8601, block.end.iso8601)
        (firstCallTime, actualEndTime) = (block.firstCall?.iso8601, block.lastCall?.iso8601)
        (isGap, isActive) = (block.isGap, block.isActive(at: now))
        id = block.isGap ? "gap-" + block.start.iso8601 : block.start.iso8601
        (calls, unpricedCalls, cost) = (block.totals.calls, block.totals.unpricedCalls, Dollars(block.totals.cost))
        (inputTokens, outputTokens, reasoningTokens) = (counts.uncachedInput, counts.output, counts.reasoning)
        (cacheReadTokens, cacheWriteTokens, totalTokens) = (counts.cacheRead, counts.cacheWrite, counts.total)
        let named = block.models.named(adding: +=, by: \.cost)
        models = named.prefix(ListedNames.most).map(\.0)
        burnRate = block.burnRate.map(BurnRateDocument.init)
        let projected = block.projection(at: now)
        projection = projected.map(ProjectionDocument.init)
        tokenLimitStatus = limit.flatMap { limit in
            projected.map { BlocksDocument.LimitStatus(projected: $0.tokens, limit: limit) }
        }
    }
}

extension BlocksDocument.LimitStatus {
    init(projected: Int64, limit: Int64) {
        (self.limit, projectedUsage) = (limit, projected)
        percentUsed = JSONNumber(
            billionths: Int64(clamping: Int128(projected) * 100_000_000_000 / Int128(max(1, limit)))
        )
        status =
            projected > limit ? "exceeds" : Int128(projected) * 5 > Int128(limit) * 4 ? "warning" : "ok"
    }
}

extension BurnRateDocument {
    package init(_ rate: BurnRate) {
        tokensPerMinute = JSONNumber(billionths: rate.tokens)
        uncachedTokensPerMinute = JSONNumber(billionths: rate.uncachedTokens)
        costPerHour = Dollars(rate.cost)
    }
}

extension ProjectionDocument {
    package init(_ projection: Projection) {
        (totalTokens, totalCost) = (projection.tokens, Dollars(projection.cost))
        remainingMinutes = (projection.remaining + 30_000_000_000) / 60_000_000_000
    }
}
