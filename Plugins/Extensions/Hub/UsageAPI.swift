// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes
import HubAPI
import JSON
import Usage

/// The API's answers about usage; each function returns a document.
struct UsageAPI {
    let config: HubConfig
    let store: (any UsageStore)?
    let scanners: [any SessionScanner]
    /// The prices of calls; nil without a `pricing` processor.
    let pricing: Pricing?
    let now: @Sendable () -> Timestamp
    /// The limits of subscriptions that agents reported.
    let limits: LimitBook
    /// Telemetry that the running collector could not accept or read, newest first; empty when none runs.
    var intakeProblems: @Sendable () -> [IntakeProblem] = { [] }
    /// Texts that `redaction` dropped, the most frequent first; empty when no collector runs.
    var droppedTexts: @Sendable () -> [DroppedText] = { [] }
    private let labels = LabelMemory()
    /// Where blocks begin, as earlier questions found.
    let blockMemory = BlockMemory()
    /// The sums at `/metrics`; nil without labels for them.
    private let meter: StoreMeter?

    /// Creates the API over a store.
    init(
        config: HubConfig,
        store: (any UsageStore)?,
        scanners: [any SessionScanner],
        pricing: Pricing?,
        now: @escaping @Sendable () -> Timestamp,
        limits: LimitBook,
        intakeProblems: @escaping @Sendable () -> [IntakeProblem] = { [] },
        droppedTexts: @escaping @Sendable () -> [DroppedText] = { [] }
    ) {
        (self.config, self.store, self.scanners, self.pricing) = (config, store, scanners, pricing)
        (self.now, self.limits) = (now, limits)
        (self.intakeProblems, self.droppedTexts) = (intakeProblems, droppedTexts)
        let dimensions = config.metrics.dimensions
        meter = dimensions.isEmpty ? nil : StoreMeter(by: dimensions, listing: config.metrics.maxNames)
    }

    // MARK: - Periods

    @Sendable func summary(_ request: ServerRequest) async throws -> SummaryDocument {
        try await summary(SummaryQuestion(QueryParameters(request), timezone: config.timezone, now: now()))
    }

    /// The document of a period.
    func summary(_ question: SummaryQuestion) async throws -> SummaryDocument {
        let (store, now) = (try openStore(), question.query.now)
        let summary = try await store.summary(question.query)
        var extras = SummaryDocument.Extras()
        extras.budget = try await budget(beside: summary, question.query)
        extras.cacheSavings = try await cacheSavings(beside: summary, question.query)
        extras.series = question.query.series
        extras.listsSessions = question.hasSessions
        if question.comparesPrevious, let period = question.query.period.previous {
            var query = UsageQuery(period, now: now)
            (query.filter, query.listsSessions) = (question.query.filter, false)
            extras.previous = try await store.summary(query)
        }
        return SummaryDocument(summary, extras, now: now)
    }

    /// The current month's budget, whatever was asked for.
    func budget(beside summary: UsageSummary, _ query: UsageQuery) async throws -> SummaryDocument.Budget? {
        guard let budget = config.monthlyBudget else { return nil }
        let known = query.filter.isEmpty ? summary : nil
        return SummaryDocument.Budget(try await state(of: budget, at: query.now, beside: known))
    }

    // MARK: - Budgets

    @Sendable func budgets(_ request: ServerRequest) async throws -> BudgetsDocument {
        let (now, parameters) = (now(), QueryParameters(request))
        if let month = parameters["month"] {
            return try await budgets(ofMonth: month, timezone: parameters["timezone"] ?? config.timezone, now: now)
        }
        guard parameters["timezone"] == nil else {
            throw APIError.invalid("timezone goes with month; other periods are in the time zone of the hub")
        }
        let today = try Period("today", timezone: config.timezone, now: now)
        return BudgetsDocument(try await budgetStates(at: now), timezone: today.timezone, now: now)
    }

    /// How budgets of calendar months go, or went, in one of them; at the limits of today.
    func budgets(ofMonth month: String, timezone: String, now: Timestamp) async throws -> BudgetsDocument {
        let period: Period
        do throws(PeriodError) {
            period = try Period(calendarMonth: month, timezone: timezone)
        } catch {
            throw APIError.invalid(error.text(period: "month", from: "from", to: "to", days: "month=YYYY-MM"))
        }
        var states: [BudgetState] = []
        for budget in config.allBudgets where budget.cycle == .month {
            states.append(try await state(of: budget, in: period, now: now))
        }
        return BudgetsDocument(states, timezone: period.timezone, now: now)
    }

    /// How the current period of each budget goes.
    func budgetStates(at now: Timestamp) async throws -> [BudgetState] {
        var states: [BudgetState] = []
        for budget in config.allBudgets { states.append(try await state(of: budget, at: now)) }
        return states
    }

    /// How the current period of a budget goes.
    ///
    /// - Parameter summary: One of all calls that was asked for anyway; of use when it is that of the period.
    private func state(of budget: Budget, at now: Timestamp, beside summary: UsageSummary? = nil) async throws
        -> BudgetState
    {
        guard budget.cycle != .block else { return try await blockState(of: budget, at: now) }
        let period = try budget.cycle.period(at: now, timezone: config.timezone)
        return try await state(of: budget, in: period, beside: summary, now: now)
    }

    /// How a cycle of days goes, or went.
    private func state(of budget: Budget, in period: Period, beside summary: UsageSummary? = nil, now: Timestamp)
        async throws -> BudgetState
    {
        let before = period.before(days: UsageForecast.historyDays)
        if let summary, summary.period == period {
            var history: [Int64] = []
            if let before { history = try await spent(budget, in: before, now: now) }
            let spent = summary.byDay.map { budget.limit.amount(of: $0.totals) }
            return BudgetState(budget, in: period, spent: spent, history: history, now: now)
        }
        guard let before else {
            let spent = try await spent(budget, in: period, now: now)
            return BudgetState(budget, in: period, spent: spent, history: [], now: now)
        }
        // One question for both.
        let whole = try Period(nil, from: before.from, to: period.to, timezone: period.timezone, now: now)
        let days = try await spent(budget, in: whole, now: now)
        let (history, spent) = (days.prefix(before.days.count), days.dropFirst(before.days.count))
        return BudgetState(budget, in: period, spent: Array(spent), history: Array(history), now: now)
    }

    /// How the block under way goes, of the calls that count.
    private func blockState(of budget: Budget, at now: Timestamp) async throws -> BudgetState {
        var question = BlocksQuestion(activeAt: now, timezone: config.timezone)
        question.filter = budget.filter
        let block = try await BlockReader(store: openStore(), question: question, memory: blockMemory).read().blocks
            .last
        return try BudgetState(budget, during: block, timezone: config.timezone, now: now)
    }

    /// What each day of a period took of a budget.
    private func spent(_ budget: Budget, in period: Period, now: Timestamp) async throws -> [Int64] {
        var query = UsageQuery(period, now: now)
        (query.filter, query.listsSessions) = (budget.filter, false)
        query.filter.clock = period.clock
        return try await openStore().summary(query).byDay.map { budget.limit.amount(of: $0.totals) }
    }

    @Sendable func quality(_ request: ServerRequest) async throws -> QualityDocument {
        try await quality(of: QueryParameters(request).period(in: config.timezone, now: now()))
    }

    /// The document of the data quality of a period.
    func quality(of period: Period) async throws -> QualityDocument {
        let faults = scanners.reduce(into: ScanReport()) { sum, scanner in
            if let faults = scanner.standingFaults { sum.add(faults) }
        }
        return QualityDocument(
            try await openStore().quality(of: period),
            of: period,
            faults: faults,
            unmatched: try await unmatchedOverrides(),
            intake: intakeProblems(),
            dropped: droppedTexts()
        )
    }

    // MARK: - Sessions

    @Sendable func sessions(_ request: ServerRequest) async throws -> SessionsDocument {
        try await sessions(SessionQuery(QueryParameters(request), timezone: config.timezone, now: now()))
    }

    /// The document of a page of sessions.
    func sessions(_ query: SessionQuery) async throws -> SessionsDocument {
        let page = try await openStore().sessions(query)
        return SessionsDocument(
            sessions: page.sessions.map { SessionDocument($0, now: query.now) },
            nextCursor: page.next.map { SessionCursor(sort: query.sort, place: $0).text },
            total: Int64(page.total)
        )
    }

    @Sendable func session(_ request: ServerRequest) async throws -> SessionDetailDocument {
        guard let id = request.parameters["id"], let document = try await session(id: id) else {
            throw APIError(.notFound, "no session with this id is known")
        }
        return document
    }

    @Sendable func call(_ request: ServerRequest) async throws -> CallDetailDocument {
        let parameters = QueryParameters(request)
        guard let session = parameters["session"] else {
            throw APIError.invalid("session must be the id of the session that has the call")
        }
        guard let name = request.parameters["id"], let id = UInt64(name, radix: 16), name.utf8.count == 16 else {
            throw APIError.invalid("a call is named by sixteen hexadecimal digits, the callId of an answer")
        }
        guard let detail = try await openStore().call(id, ofSession: session) else {
            throw APIError(.notFound, "this session has no call with this id")
        }
        return CallDetailDocument(detail)
    }

    /// A session without its calls; nil when it is unknown.
    func figures(ofSession id: String) async throws -> SessionDocument? {
        var query = SessionQuery(now: now())
        (query.id, query.limit) = (id, 1)
        return try await openStore().sessions(query).sessions.first.map { SessionDocument($0, now: query.now) }
    }

    /// The document of a session; nil when it is unknown.
    func session(id: String) async throws -> SessionDetailDocument? {
        let now = now()
        return try await openStore().session(id: id).map {
            SessionDetailDocument($0, reported: limits.reading(ofSession: id, now: now), now: now)
        }
    }

    // MARK: - Prices

    @Sendable func prices(_ request: ServerRequest) async throws -> PricesDocument { try await prices() }

    /// The document of the price table in force.
    func prices() async throws -> PricesDocument {
        PricesDocument(
            pricing?.table.models() ?? [],
            unpriced: try await openStore().unpricedModels(),
            unmatched: try await unmatchedOverrides()
        )
    }

    /// The user's prices that match no model of a stored call.
    private func unmatchedOverrides() async throws -> [UnmatchedOverride] {
        guard let table = pricing?.table else { return [] }
        return table.unmatchedOverrides(among: try await openStore().names(of: .model))
    }

    @Sendable func reprice(_ request: ServerRequest) async throws -> RepricingDocument {
        guard let pricing else {
            throw APIError(.serviceUnavailable, "no pricing processor is configured; add pricing to a pipeline")
        }
        let repriced = try await openStore().reprice(by: pricing)
        return RepricingDocument(repriced: repriced, unmatched: try await unmatchedOverrides())
    }

    // MARK: - Upkeep

    @Sendable func compact(_ request: ServerRequest) async throws -> CompactionDocument {
        let retention = try await CompactRequest(request.body)?.retention ?? config.retention.nanoseconds
        return CompactionDocument(retention: retention, removed: try await compact(keeping: retention))
    }

    /// Removes what is older than this many nanoseconds; returns the number of records and calls.
    func compact(keeping retention: Int64) async throws -> Int {
        try await openStore().compact(before: Timestamp(nanoseconds: max(0, now().nanoseconds - retention)))
    }

    @Sendable func scan(_ request: ServerRequest) async throws -> ScanDocument {
        guard !scanners.isEmpty else {
            throw APIError(
                .serviceUnavailable,
                "no receiver of this configuration reads session directories; add agent_sessions to receivers and to a logs pipeline"
            )
        }
        var report = ScanReport()
        for scanner in scanners {
            do throws(ConsumeError) {
                let part = try await scanner.scan(progress: nil)
                report.add(part)
                report.durationMilliseconds += part.durationMilliseconds
            } catch {
                throw APIError(.serviceUnavailable, "what was read could not be kept: \(error.message)")
            }
        }
        return ScanDocument(report)
    }

    /// The sums of all counted calls by the labels of the configuration; nil without labels.
    func series() async throws -> UsageSeries? {
        guard let meter else { return nil }
        let store = try openStore()
        return UsageSeries(
            try await meter.read(store, naming: try await store.namer()),
            by: config.metrics.dimensions
        )
    }

    /// The names of a store's sessions; nil for another store than that of the API.
    func namer(for id: ComponentID) async throws -> SessionNamer? {
        guard id.description == config.store else { return nil }
        return try await openStore().namer()
    }

    /// The store that answers queries.
    func openStore() throws -> LabelledStore {
        guard let store else { throw StoreError("the store \"\(config.store)\" of the hub is not there") }
        return LabelledStore(store: store, memory: labels, people: config.users, teams: config.teams)
    }

    // MARK: - Limits

    /// The limits of subscriptions, as agents reported them.
    @Sendable func limits(_ request: ServerRequest) async throws -> LimitsDocument {
        let (parameters, now) = (QueryParameters(request), now())
        let (agent, machine) = (parameters["agent"], parameters["machine"])
        let isCurrentOnly = try parameters.flag("current") ?? false
        let known = limits.limits(now: now).filter { limit in
            (agent == nil || limit.agent == agent) && (machine == nil || nameInAnswers(limit.machine ?? "") == machine)
                && (!isCurrentOnly || limit.isCurrent(at: now))
        }
        return LimitsDocument(known, now: now)
    }

    /// The limits whose windows have not ended: of an account that several machines use the newest report.
    func limitsThatHold(at now: Timestamp) -> [UsageLimit] {
        var newest: [UsageLimit.Key: UsageLimit] = [:]
        for limit in limits.limits(now: now) where limit.isCurrent(at: now) {
            if let known = newest[limit.subscription], known.reportedAt >= limit.reportedAt { continue }
            newest[limit.subscription] = limit
        }
        return newest.values.sorted { $0.key < $1.key }
    }

    // MARK: - Blocks and the status line

    @Sendable func blocks(_ request: ServerRequest) async throws -> BlocksDocument {
        try await blocks(BlocksQuestion(QueryParameters(request), timezone: config.timezone, now: now()))
    }

    /// Everything a status bar shows, in one answer.
    @Sendable func statusLine(_ request: ServerRequest) async throws -> StatusLineDocument {
        try await statusLine(session: QueryParameters(request)["session"])
    }

    /// The document for a session; nil for none.
    func statusLine(session id: String?) async throws -> StatusLineDocument {
        let (now, store) = (now(), try openStore())
        let today = try Period("today", timezone: config.timezone, now: now)
        var query = UsageQuery(today, now: now)
        query.listsSessions = false
        let summary = try await store.summary(query)
        var session: UsageTotals?
        if let id {
            var named = SessionQuery(now: now)
            (named.id, named.limit) = (id, 1)
            session = try await store.sessions(named).sessions.first?.totals
        }
        return StatusLineDocument(
            today: summary.totals,
            session: session,
            budget: try await budget(beside: summary, query),
            block: try await blocks(BlocksQuestion(activeAt: now, timezone: today.timezone)).blocks.last,
            limits: limitsThatHold(at: now).map { LimitsDocument.Limit($0, now: now) }
        )
    }

    /// The document of the blocks that are asked for.
    func blocks(_ question: BlocksQuestion) async throws -> BlocksDocument {
        let (hours, weekStart): (JSONNumber, String?) =
            switch question.rule {
            case .session(let length): (JSONNumber(billionths: length / 3_600), nil)
            case .week(let start): (JSONNumber(text: "168"), start.text)
            }
        let answer = try await BlockReader(store: openStore(), question: question, memory: blockMemory).read()
        return BlocksDocument(
            answer.blocks,
            hours: hours,
            weekStart: weekStart,
            limit: answer.limit,
            timezone: question.timezone,
            now: question.now
        )
    }

    // MARK: - Other prices

    /// The calls of a period at another model's prices.
    @Sendable func compare(_ request: ServerRequest) async throws -> CompareDocument {
        let parameters = QueryParameters(request)
        let period = try parameters.period(in: config.timezone, now: now())
        guard let model = parameters["with"] else {
            throw APIError.invalid("with must name a model of the price table")
        }
        return try await compare(period, filter: parameters.filter(in: config.timezone, now: now()), with: model)
    }

    private func compare(_ period: Period, filter: UsageFilter, with model: String) async throws -> CompareDocument {
        guard let table = pricing?.table else {
            throw APIError(.serviceUnavailable, "no pricing processor is configured; add pricing to a pipeline")
        }
        let now = now()
        guard var comparison = ModelComparison(with: model, in: table, now: now) else {
            let near = table.suggestions(for: model).prefix(3).joined(separator: ", ")
            throw APIError.invalid(
                "no price is known for the model \"\(model.prefix(80))\""
                    + (near.isEmpty ? "" : "; did you mean \(near)?")
            )
        }
        let walk = CallWalk(store: try openStore(), filter: filter, now: now)
        try await walk.forEach(from: period.start, to: period.end) { comparison.add($0) }
        return CompareDocument(comparison, in: period)
    }

    /// What reads from caches saved in a period, day by day at the prices of the day; nil without prices.
    func cacheSavings(beside summary: UsageSummary, _ query: UsageQuery) async throws -> Money? {
        guard let table = pricing?.table else { return nil }
        guard summary.totals.counts.cacheRead > 0 else { return .zero }
        var days = summary
        if query.series != .model {
            var byModel = query
            (byModel.series, byModel.listsSessions) = (.model, false)
            days = try await openStore().summary(byModel)
        }
        return InsightQuestions.cacheSavings(of: days, by: table)
    }
}

/// The parameters of `summary`.
struct SummaryQuestion {
    var query: UsageQuery
    /// Whether to include the previous period of the same length.
    var comparesPrevious = false
    /// Whether the document has a member for the sessions.
    var hasSessions = true

    /// Parses the parameters of a request.
    init(_ parameters: QueryParameters, timezone: String, now: Timestamp) throws(APIError) {
        query = UsageQuery(try parameters.period(in: timezone, now: now), now: now)
        query.filter = try parameters.filter(in: timezone, now: now)
        query.series = try parameters.choice("series", of: UsageDimension.self)
        query.listsSessions = try parameters.flag("sessions") ?? true
        comparesPrevious = try parameters.flag("previous") ?? false
    }
}

/// The body of a request to compact the store.
struct CompactRequest {
    /// The retention in nanoseconds.
    let retention: Int64

    /// Parses a body; nil when it names no retention.
    ///
    /// Unknown members are errors, because a misspelled one would remove more than intended.
    init?(_ body: RequestBody) async throws(APIError) {
        let bytes: [UInt8]
        do throws(BodyError) {
            bytes = try await body.collect(limit: 65_536)
        } catch {
            throw error == .tooLarge
                ? APIError(.contentTooLarge, "the body is too long") : .invalid("the body was cut off")
        }
        guard !bytes.isEmpty else { return nil }
        let members: [String: Int?]
        do {
            members = try JSONDecoder().decode([String: Int?].self, from: Data(bytes))
        } catch {
            throw Self.malformed
        }
        guard members.keys.allSatisfy({ $0 == "retentionDays" }) else { throw Self.malformed }
        guard let days = members["retentionDays"] ?? nil else { return nil }
        guard Self.days.contains(days) else { throw Self.malformed }
        retention = Int64(days) * 86_400_000_000_000
    }

    private static let days = 1...36_500
    private static let malformed = APIError.invalid(
        "the body must be empty or {\"retentionDays\": n} with a whole number from \(days.lowerBound) to \(days.upperBound)"
    )
}
