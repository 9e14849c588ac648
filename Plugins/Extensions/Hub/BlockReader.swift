// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HubAPI
import Usage

/// What is asked of `blocks`.
struct BlocksQuestion {
    var rule = BlockRule.fiveHours
    /// Only blocks that begin in these days; nil for all.
    var period: Period?
    var filter = UsageFilter()
    var timezone: String
    var now: Timestamp
    /// Only the block that is under way.
    var isActiveOnly = false
    /// Only blocks of the last three days, and the one that is under way.
    var isRecentOnly = false
    var tokenLimit: TokenLimit?

    enum TokenLimit: Equatable {
        /// What the largest block before had.
        case most
        case number(Int64)
    }

    /// The block that is under way, of five hours.
    init(activeAt now: Timestamp, timezone: String) {
        (self.now, self.timezone, isActiveOnly) = (now, timezone, true)
    }

    /// Reads a question from the parameters of an address.
    init(_ parameters: QueryParameters, timezone: String, now: Timestamp) throws(APIError) {
        self.now = now
        // Checked even where no days are named.
        let period = try parameters.period(in: timezone, now: now)
        self.period = parameters.namesPeriod ? period : nil
        self.timezone = period.timezone
        filter = try parameters.filter(in: period.timezone, now: now)
        isActiveOnly = try parameters.flag("active") ?? false
        isRecentOnly = try parameters.flag("recent") ?? false
        rule = try Self.rule(parameters, timezone: period.timezone)
        tokenLimit = try Self.limit(parameters)
    }

    private static func rule(_ parameters: QueryParameters, timezone: String) throws(APIError) -> BlockRule {
        if let text = parameters["weekStart"] {
            guard parameters["hours"] == nil else { throw .invalid("hours and weekStart do not go together") }
            guard let start = WeekStart(text, timezone: timezone) else {
                throw .invalid("weekStart must be a day of the week, such as monday or tuesday@14:30")
            }
            return .week(start)
        }
        guard let text = parameters["hours"] else { return .fiveHours }
        // The decimals of money are exact, too.
        guard let hours = Money(dollars: text)?.nanodollars, hours > 0, hours <= 168 * 1_000_000_000 else {
            throw .invalid("hours must be a number above 0 and up to 168")
        }
        return .session(length: hours * 3_600)
    }

    private static func limit(_ parameters: QueryParameters) throws(APIError) -> TokenLimit? {
        guard let text = parameters["tokenLimit"] else { return nil }
        if text == "max" { return .most }
        guard let number = Int64(text), number > 0 else {
            throw .invalid("tokenLimit must be max or a whole number above 0")
        }
        return .number(number)
    }
}

/// Reads as many calls as it takes to know the blocks of a question.
struct BlockReader {
    let store: any UsageStore
    let question: BlocksQuestion
    /// What earlier questions found out.
    let memory: BlockMemory

    private static let day: Int64 = 86_400_000_000_000

    /// The blocks that are asked for, in the order of time with the gaps between them, and the limit of tokens.
    func read() async throws -> (blocks: [UsageBlock], limit: Int64?) {
        var limit: Int64?
        // The largest block before can be any.
        let all = question.tokenLimit == .most ? try await blocks(from: nil) : try await blocks(from: start)
        switch question.tokenLimit {
        case nil: break
        case .number(let number): limit = number
        case .most:
            let finished = all.filter { !$0.isGap && !$0.isActive(at: question.now) }
            limit = finished.map(\.totals.counts.total).max().flatMap { $0 > 0 ? $0 : nil }
        }
        let listed = all.filter(isAskedFor)
        // What is not between two blocks of the answer is no gap of it.
        let bounds = (listed.firstIndex { !$0.isGap }, listed.lastIndex { !$0.isGap })
        guard let first = bounds.0, let last = bounds.1 else { return ([], limit) }
        return (Array(listed[first...last]), limit)
    }

    private func isAskedFor(_ block: UsageBlock) -> Bool {
        let isActive = block.isActive(at: question.now)
        if question.isActiveOnly, !isActive { return false }
        if question.isRecentOnly, !isActive, block.start < recent { return false }
        guard let period = question.period else { return true }
        return block.start >= period.start && block.start < period.end
    }

    private var recent: Timestamp { Timestamp(nanoseconds: question.now.nanoseconds - 3 * Self.day) }

    private var length: Int64 {
        switch question.rule {
        case .session(let length): length
        // With the hour that a clock is put back.
        case .week: 7 * Self.day + Self.day / 24
        }
    }

    /// The first instant at which a block that is asked for can begin; nil for any.
    private var start: Timestamp? {
        var start = question.period?.start
        if question.isRecentOnly { start = max(start ?? recent, recent) }
        if question.isActiveOnly {
            let active = Timestamp(nanoseconds: question.now.nanoseconds - length)
            start = max(start ?? active, active)
        }
        return start
    }

    /// The first instant after the last call that can be of interest.
    private var end: Timestamp {
        let tomorrow = question.now.nanoseconds.saturatingAdding(Self.day)
        let asked = question.period?.end.nanoseconds.saturatingAdding(length) ?? tomorrow
        return Timestamp(nanoseconds: min(asked, tomorrow, Timestamp.latest.nanoseconds))
    }

    /// All blocks from an instant on, and some before.
    ///
    /// Where a session begins depends on the calls before it, back to a silence that is longer than a block.
    private func blocks(from start: Timestamp?) async throws -> [UsageBlock] {
        guard let start else { return try await build(from: nil) }
        if case .week(let week) = question.rule {
            return try await build(from: week.week(of: start).start)
        }
        if let silent = try await silence(before: start) { return try await build(from: silent) }
        if let blocks = try await remembered(before: start) { return blocks }
        let blocks = try await build(from: nil)
        try await remember(blocks, before: start)
        return blocks
    }

    /// An instant within the last silence that begins before another and is longer than a block, by which all blocks before it are over;
    /// nil when the week before has none.
    ///
    /// It is found in the sums of hours, without reading a call.
    private func silence(before start: Timestamp) async throws -> Timestamp? {
        let hour: Int64 = 3_600_000_000_000
        let dates = [start.nanoseconds - 8 * Self.day, min(start.nanoseconds, end.nanoseconds)]
        guard dates[0] > 0 else { return nil }
        // No call is later than the end.
        guard dates[0] < dates[1] else { return start }
        let days = dates.map { String(Timestamp(nanoseconds: $0).iso8601.prefix(10)) }
        let period = try Period(nil, from: days[0], to: days[1], timezone: "UTC", now: question.now).hours
        var query = UsageQuery(period, now: question.now)
        (query.filter, query.listsSessions) = (question.filter, false)
        let most = Int((length + hour - 1) / hour)
        var (found, silent): (Timestamp?, Int) = (nil, 0)
        for (position, sums) in try await store.summary(query).byDay.enumerated() {
            silent = sums.totals.calls == 0 ? silent + 1 : 0
            let began = period.dayStarts[position + 1].nanoseconds - Int64(silent) * hour
            if silent >= most, began <= start.nanoseconds { found = period.dayStarts[position + 1] }
        }
        return found
    }

    /// The blocks from one on that an earlier question found; nil when there is none before an instant, or calls before it changed.
    private func remembered(before start: Timestamp) async throws -> [UsageBlock]? {
        guard let known = memory[question.rule, question.filter],
            known.firstCall.nanoseconds + length <= start.nanoseconds,
            try await calls(throughDayOf: known.firstCall) == known.calls
        else { return nil }
        // All calls before its first belong to blocks that are over.
        var builder = BlockBuilder(question.rule)
        let walk = CallWalk(store: store, filter: question.filter, now: question.now)
        try await walk.forEach(from: known.firstCall, to: end) { builder.add($0) }
        let blocks = builder.finish()
        try await remember(blocks, before: start)
        return blocks
    }

    /// Keeps the last block that begins at least two days before an instant, so that late calls seldom change what is before it.
    private func remember(_ blocks: [UsageBlock], before start: Timestamp) async throws {
        let latest = start.nanoseconds - max(2 * Self.day, length)
        guard let first = blocks.last(where: { $0.firstCall.map { $0.nanoseconds <= latest } ?? false })?.firstCall
        else {
            return
        }
        guard memory[question.rule, question.filter]?.firstCall != first else { return }
        let calls = try await calls(throughDayOf: first)
        memory[question.rule, question.filter] = BlockMemory.Beginning(firstCall: first, calls: calls)
    }

    /// The calls up to the end of the day (UTC) of an instant.
    private func calls(throughDayOf time: Timestamp) async throws -> Int64 {
        let period = try Period("\(Period.longest)d", timezone: "UTC", now: question.now)
        var query = UsageQuery(period, now: question.now)
        (query.filter, query.listsSessions) = (question.filter, false)
        let days = try await store.summary(query).byDay
        return period.day(of: time).map { days[...$0].reduce(0) { $0.saturatingAdding($1.totals.calls) } } ?? -1
    }

    /// The blocks of all calls from an instant on, or of all calls.
    private func build(from start: Timestamp?) async throws -> [UsageBlock] {
        var builder = BlockBuilder(question.rule)
        let walk = CallWalk(store: store, filter: question.filter, now: question.now)
        try await walk.forEach(from: start, to: end) { builder.add($0) }
        return builder.finish()
    }
}
