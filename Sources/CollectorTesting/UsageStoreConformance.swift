// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import FoundationEssentials
import Logging
import Usage

/// Checks that a store gives the answers that all stores must give; each store's tests run it.
///
/// The store receives the same telemetry in any order, split, repeated and with restarts in between, and every answer is compared
/// with that of a simple store in memory.
///
/// ```swift
/// @Test func `my store answers like every other`() async throws {
///     let suite = UsageStoreConformance(home: folder) { folder, settings in
///         try ComponentFactory.mine.makeExporter(config(folder), settings)
///     }
///     #expect(await suite.violations() == [])
/// }
/// ```
public struct UsageStoreConformance: Sendable {
    private let home: String
    private let make: @Sendable (String, ComponentSettings) throws -> any Exporter

    /// Prepares the checks.
    ///
    /// - Parameters:
    ///   - home: A folder of the test.
    ///   - make: Creates a store that keeps everything in the given folder; called again with the same folder, the store must have the
    ///     same data.
    public init(
        home: String,
        _ make: @escaping @Sendable (_ folder: String, _ settings: ComponentSettings) throws -> any Exporter
    ) {
        self.home = home
        self.make = make
    }

    /// All differences with generated telemetry; empty when the store keeps the contract.
    public func violations() async -> [String] {
        var violations: [String] = []
        do {
            for seed: UInt64 in 1...3 {
                let telemetry = try GeneratedTelemetry(seed: seed)
                for (number, batches) in try telemetry.deliveries().enumerated() {
                    let script = Script(batches, restarts: number.isMultiple(of: 2))
                    violations += try await run(script, "generated \(seed), delivery \(number + 1)")
                }
            }
            violations += try await run(Script(GeneratedTelemetry.hostile(), restarts: true), "hostile figures")
            violations += try await run(
                Script(GeneratedTelemetry.manyNames(), restarts: false, asksAll: false),
                "many names"
            )
            violations += try await run(Script([], restarts: true), "nothing")
            violations += try await findSpans()
            let once = try GeneratedTelemetry(seed: 9).once()
            violations += try await run(Script(once, restarts: false, compactions: true), "compaction")
            violations += try await run(Script(once, restarts: true, compactions: true), "compaction and restarts")
            for (number, batches) in try GeneratedTelemetry(seed: 11).deliveries().prefix(2).enumerated() {
                let script = Script(repeating: batches, restarts: number == 0)
                violations += try await run(script, "repeats of what was compacted, delivery \(number + 1)")
            }
        } catch {
            violations.append("it cannot be run: \(error)")
        }
        return violations
    }

    /// All differences with batches of the caller, such as recorded ones that went through a pipeline.
    public func violations(ofMaterial batches: [Batch]) async -> [String] {
        do {
            return try await run(Script(batches, restarts: true), "material")
                + run(Script(batches.reversed() + batches, restarts: false), "material, twice")
        } catch {
            return ["it cannot be run: \(error)"]
        }
    }

    // MARK: - Running

    /// The operations on a store, and when answers are compared.
    private struct Script {
        enum Step {
            case consume(Batch)
            case restart
            case compact(Timestamp, isCompared: Bool)
            case reprice(Pricing)
            case ask
        }

        var steps: [Step] = []
        /// Whether every page and every session is compared, too.
        let asksAll: Bool

        init(_ batches: [Batch], restarts: Bool, compactions: Bool = false, asksAll: Bool = true) {
            self.asksAll = asksAll
            for (number, batch) in batches.enumerated() {
                steps.append(.consume(batch))
                if restarts, number % 7 == 3 { steps.append(.restart) }
            }
            steps.append(.ask)
            if restarts { steps += [.restart, .ask] }
            if let pricing = try? GeneratedTelemetry.pricing(.reported) {
                steps += [.reprice(pricing), .ask]
                if restarts { steps += [.restart, .ask] }
            }
            guard compactions else { return }
            for instant in GeneratedTelemetry.borders {
                steps += [.compact(instant, isCompared: true), .ask]
                if restarts { steps += [.restart, .ask] }
            }
        }

        /// Compacts at increasing times, and sends everything again after each compaction.
        init(repeating batches: [Batch], restarts: Bool) {
            asksAll = true
            for batch in batches.prefix(batches.count / 2) { steps.append(.consume(batch)) }
            for instant in GeneratedTelemetry.borders.dropLast() {
                // The number of removed records is comparable only when nothing was delivered twice.
                steps += [.compact(instant, isCompared: false), .ask]
                if restarts { steps += [.restart] }
                for batch in batches { steps.append(.consume(batch)) }
                steps.append(.ask)
                if restarts { steps += [.restart, .ask] }
            }
        }
    }

    private func run(_ script: Script, _ name: String) async throws -> [String] {
        let folder = "\(home)/\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var reference = ReferenceStore()
        var exporter = try await start(folder)
        var violations: [String] = []
        // It follows the changes of the store through all steps, restarts among them.
        let meter = StoreMeter(by: Self.metered, listing: 1_000_000)
        for (number, step) in script.steps.enumerated() {
            switch step {
            case .consume(let batch):
                let expected = try reference.consume(batch)
                let found = try await exporter.deliver(batch).newCalls
                if found != expected {
                    violations.append("\(name): it found \(found ?? -1) new calls, not \(expected)")
                }
                if number.isMultiple(of: 3) { _ = try await meter.read(Self.store(exporter)) }
            case .restart:
                let identity = exporter.storeIdentity
                await exporter.shutdown()
                exporter = try await start(folder)
                if reference.holdsCalls, identity == nil || exporter.storeIdentity != identity {
                    violations.append("\(name): it does not know itself again after a restart")
                }
            case .compact(let instant, let isCompared):
                let (expected, removed) = (
                    try reference.compact(before: instant), try await Self.store(exporter).compact(before: instant)
                )
                if isCompared, expected != removed {
                    violations.append("\(name): it removed \(removed), not \(expected)")
                }
            case .reprice(let pricing):
                let (expected, repriced) = (
                    try reference.reprice(by: pricing), try await Self.store(exporter).reprice(by: pricing)
                )
                if expected != repriced { violations.append("\(name): it repriced \(repriced), not \(expected)") }
            case .ask:
                let (reference, store) = (try reference.answers(), try Self.store(exporter))
                violations += try await compareSums(reference, store, name)
                violations += Self.difference(
                    StoreAnswers.lines(reference.series(by: Self.metered)),
                    StoreAnswers.lines(try await meter.read(store)),
                    "\(name), sums of changes"
                )
                if script.asksAll { violations += try await compareSessions(reference, store, name) }
            }
        }
        await exporter.shutdown()
        return violations
    }

    /// Spans of calls are found by their ids: in whichever batch, once, also after a restart and a compaction.
    private func findSpans() async throws -> [String] {
        let folder = "\(home)/\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var exporter = try await start(folder)
        for batch in try GeneratedTelemetry.spans() { _ = try await exporter.deliver(batch) }
        var violations: [String] = []
        for moment in ["at first", "after a restart", "after a compaction"] {
            if moment == "after a restart" {
                await exporter.shutdown()
                exporter = try await start(folder)
            } else if moment == "after a compaction" {
                let border = Timestamp(nanoseconds: GeneratedTelemetry.now.nanoseconds - 1_000_000_000_000)
                _ = try await Self.store(exporter).compact(before: border)
            }
            let store = try Self.store(exporter)
            guard let call = try await store.session(id: GeneratedTelemetry.sessionOfSpans)?.calls.first,
                let detail = try await store.call(call.id, ofSession: GeneratedTelemetry.sessionOfSpans)
            else { return violations + ["spans \(moment): their call is not known"] }
            let found = detail.records.map { record in
                let isSpan = record.json?.contains(#""span":{"#) == true
                return "\(record.name) of \(record.observations), a span: \(isSpan)"
            }
            let expected = detail.keepsRecords ? ["chat of [0], a span: true"] : []
            violations += Self.difference(expected, found, "spans \(moment)")
        }
        await exporter.shutdown()
        return violations
    }

    /// An id that no generated call has.
    private static let unusedCall: UInt64 = 0x5EED_0000_0000_0001

    /// The dimensions of sums that follow changes.
    private static let metered = [UsageDimension.model] + UsageDimension.ofSessions

    private func start(_ folder: String) async throws -> any Exporter {
        let settings = ComponentSettings(
            id: ComponentID("store") ?? ComponentID.unnamed,
            logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() },
            home: home,
            now: { GeneratedTelemetry.now }
        )
        let exporter = try make(folder, settings)
        try await exporter.start()
        return exporter
    }

    private static func store(_ exporter: any Exporter) throws -> any UsageStore {
        guard let store = exporter.usageStore else { throw StoreError("it answers no questions") }
        return store
    }

    // MARK: - Comparing

    private static func difference(_ expected: [String], _ found: [String], _ question: String) -> [String] {
        guard expected != found else { return [] }
        let position =
            zip(expected, found).enumerated().first { $1.0 != $1.1 }?.offset ?? min(expected.count, found.count)
        let lines = [expected, found].map { $0.indices.contains(position) ? $0[position] : "nothing" }
        return ["\(question): \"\(lines[1])\" instead of \"\(lines[0])\""]
    }

    /// Compares sums.
    private func compareSums(_ reference: ReferenceAnswers, _ store: any UsageStore, _ name: String) async throws
        -> [String]
    {
        let now = GeneratedTelemetry.now
        var violations: [String] = []
        func expect(_ expected: [String], _ found: [String], _ question: String) {
            violations += Self.difference(expected, found, "\(name), \(question)")
        }
        for period in try Self.periods(now) {
            for query in GeneratedTelemetry.questions(period) {
                expect(
                    StoreAnswers.lines(reference.summary(query)),
                    StoreAnswers.lines(try await store.summary(query)),
                    "summary of \(period.name) \(period.from) \(period.timezone) \(query.filter) \(query.series as Any)"
                )
                var question = CallQuery(from: period.start, to: period.end)
                question.filter = query.filter
                let calls = try await store.calls(question)
                expect(
                    StoreAnswers.sums(reference.summary(query).byModel.mapValues(\.totals)),
                    StoreAnswers.sums(of: calls),
                    "sums of calls of \(period.from) \(period.timezone) \(query.filter)"
                )
                guard query.filter.isEmpty else { continue }
                expect(
                    StoreAnswers.lines(reference.calls(from: period.start, to: period.end)),
                    StoreAnswers.lines(calls),
                    "calls of \(period.from) \(period.timezone)"
                )
            }
            expect(
                StoreAnswers.lines(reference.quality(of: period)),
                StoreAnswers.lines(try await store.quality(of: period)),
                "quality of \(period.name) \(period.from) \(period.timezone)"
            )
        }
        expect(
            StoreAnswers.lines(reference.unpricedModels()),
            StoreAnswers.lines(try await store.unpricedModels()),
            "unpriced models"
        )
        return violations
    }

    /// Compares listings, single sessions and names.
    private func compareSessions(_ reference: ReferenceAnswers, _ store: any UsageStore, _ name: String) async throws
        -> [String]
    {
        let now = GeneratedTelemetry.now
        var violations: [String] = []
        func expect(_ expected: [String], _ found: [String], _ question: String) {
            violations += Self.difference(expected, found, "\(name), \(question)")
        }
        for query in GeneratedTelemetry.queries {
            expect(
                StoreAnswers.lines(reference.sessions(query)),
                StoreAnswers.lines(try await store.sessions(query)),
                "sessions \(query)"
            )
        }
        for dimension in UsageDimension.allCases {
            // A store may keep names whose calls and sessions are removed.
            let missing = reference.names(of: dimension).subtracting(try await store.names(of: dimension))
            expect([], missing.sorted(), "names of \(dimension.rawValue) that are missing")
        }
        try await compareWalk(reference, store, expect)
        var all = SessionQuery(now: now)
        all.limit = 1_000
        for id in reference.sessions(all).sessions.map(\.id) + ["there is no such session", ""] {
            expect(
                StoreAnswers.lines(reference.session(id: id)),
                StoreAnswers.lines(try await store.session(id: id)),
                "session \(id.prefix(40))"
            )
            for call in reference.session(id: id)?.calls.prefix(5) ?? [] {
                expect(
                    StoreAnswers.lines(reference.call(call.id, ofSession: id)),
                    StoreAnswers.lines(try await store.call(call.id, ofSession: id)),
                    "call \(call.name) of session \(id.prefix(40))"
                )
            }
            expect(
                ["unknown"],
                StoreAnswers.lines(try await store.call(Self.unusedCall, ofSession: id)),
                "a call that session \(id.prefix(40)) has not"
            )
            var query = SessionQuery(now: now)
            query.id = id
            expect(
                StoreAnswers.lines(reference.sessions(query)),
                StoreAnswers.lines(try await store.sessions(query)),
                "only session \(id.prefix(40))"
            )
        }
        return violations
    }

    /// Follows the pages of a list.
    private func compareWalk(
        _ reference: ReferenceAnswers,
        _ store: any UsageStore,
        _ expect: ([String], [String], String) -> Void
    ) async throws {
        for sort in SessionQuery.Sort.allCases {
            for descending in [true, false] {
                var query = SessionQuery(now: GeneratedTelemetry.now)
                (query.sort, query.descending, query.limit) = (sort, descending, 2)
                repeat {
                    let page = try await store.sessions(query)
                    expect(StoreAnswers.lines(reference.sessions(query)), StoreAnswers.lines(page), "page \(query)")
                    query.after = page.next
                } while query.after != nil
            }
        }
    }

    private static func periods(_ now: Timestamp) throws -> [Period] {
        try StoreAnswers.forms.map { try Period($0, timezone: "Europe/Berlin", now: now) }
            + StoreAnswers.periods.map { period in
                try Period(nil, from: period.from, to: period.to, timezone: period.timezone, now: now)
            }
    }
}

/// All answers of a store as lines of text, so that two stores can be compared byte by byte.
struct StoreAnswers {
    /// The periods of the queries.
    static let periods: [(from: String, to: String, timezone: String)] = [
        ("2026-11-22", "2026-11-22", "UTC"), ("2026-11-18", "2026-11-26", "Asia/Kolkata"),
        // Days of 23 and of 25 hours.
        ("2026-03-27", "2026-03-31", "Europe/Berlin"), ("2026-10-23", "2026-10-27", "Europe/Berlin"),
        ("2026-10-30", "2026-11-03", "America/New_York"), ("2026-01-01", "2026-12-31", "Australia/Lord_Howe"),
    ]

    /// Other forms of periods.
    static let forms: [String?] = ["today", "7d", "30d", "90d", "2026-11", "month:2026-10", nil]

    static func lines(_ summary: UsageSummary) -> [String] {
        var lines = [
            "\(summary.period.name) \(text(summary.totals)) sessions \(summary.sessionCount) active \(summary.activeSessions) "
                + "unpriced \(summary.unpricedModels)"
        ]
        for dimension in UsageDimension.allCases {
            lines += summary[by: dimension].sorted { $0.key < $1.key }.map {
                "\(dimension.rawValue) \($0.key): \(text($0.value.totals)) sessions \($0.value.sessions)"
            }
        }
        lines += summary.byDay.filter { $0.totals.calls > 0 }.map { "\($0.date) \(text($0.totals))" }
        lines.append("days \(summary.byDay.count)")
        for (day, values) in summary.series.enumerated() {
            lines += values.sorted { $0.key < $1.key }.map { "series \(day) \($0.key): \(text($0.value))" }
        }
        return lines + summary.sessions.map(text)
    }

    static func lines(_ series: [StoreMeter.Series: UsageMeter.Sums]) -> [String] {
        series.map { names, sums in
            "\(names) \(sums.calls)(\(sums.unpricedCalls)) \(sums.input)/\(sums.cacheRead)/\(sums.cacheWrite)/\(sums.output)/"
                + "\(sums.reasoning) \(sums.cost) \(sums.durations.counts) \(sums.durations.sum)"
        }.sorted()
    }

    static func lines(_ quality: DataQuality) -> [String] {
        let sums = [
            quality.calls, quality.oneWitness, quality.severalWitnesses, quality.weaklyJoined, quality.unpriced,
            quality.rollUps,
        ]
        let sources = quality.sources.sorted { $0.key < $1.key }.map { key, use in
            "source \(text([key.agent, key.machine])) \(key.sources.map(\.name)) \(use.calls) \(use.lastSeen.nanoseconds)"
        }
        let costs = quality.costs.sorted { $0.key < $1.key }.map { key, cost in
            "cost \(key.model) \(key.reason.name) \(cost.calls) \(cost.reported.nanodollars) \(cost.computed.nanodollars)"
        }
        let sessions = quality.sessionCosts.largest.map {
            "session cost \($0.session) \($0.reported.nanodollars) \($0.counted.nanodollars)"
        }
        let compared = "session costs \(quality.sessionCosts.compared) \(quality.sessionCosts.differing)"
        return ["\(sums)"] + sources + costs + [compared] + sessions
    }

    static func lines(_ page: SessionPage) -> [String] {
        ["page \(page.total) next \(page.next.map { "\($0.number) \($0.name) \($0.id)" } ?? "none")"]
            + page.sessions.map(text)
    }

    static func lines(_ detail: SessionDetail?) -> [String] {
        guard let detail else { return ["unknown"] }
        // Events at the same time have no order.
        let events = detail.events.sorted { ($0.time, $0.name) < ($1.time, $1.name) }
        let calls = detail.calls.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
        return [text(detail.session)] + calls.map(text) + events.map { "event \($0.time.nanoseconds) \($0.name)" }
            + detail.costByModel.sorted { $0.key < $1.key }.map { "cost of \($0.key) \($0.value.nanodollars)" }
            + detail.subagents.flatMap { child in
                ["child \(text(child.session))"] + child.calls.sorted { ($0.time, $0.id) < ($1.time, $1.id) }.map(text)
            }
    }

    static func lines(_ calls: [Call]) -> [String] { calls.map(text) }

    /// A call with its observations; of its records those that cannot be of it.
    static func lines(_ detail: CallDetail?) -> [String] {
        guard let detail else { return ["unknown"] }
        let evidence = detail.evidence
        let figures = CallEvidence.Figure.allCases.compactMap { figure in
            evidence.sources[figure].map { "\(figure.rawValue) from \($0)" }
        }
        let strange = detail.records.filter { record in
            record.observations.isEmpty
                || record.observations.contains { evidence.observations[$0].time != record.time }
        }
        return [text(detail.call)] + evidence.observations.map { "\($0.id) \($0.source.name) \($0.priority)" } + figures
            + strange.map { "a record of another time: \($0.name)" }
    }

    static func sums(of calls: [Call]) -> [String] {
        let totals = calls.reduce(into: [:]) { $0[$1.model ?? "", default: UsageTotals()] += $1.totals }
        return sums(ListedNames.bounded(totals, to: ListedNames.chosen(of: totals)))
    }

    static func sums(_ totals: [String: UsageTotals]) -> [String] {
        totals.sorted { $0.key < $1.key }.map { "\($0.key): \(text($0.value))" }
    }

    static func lines(_ models: [UnpricedModel]) -> [String] {
        models.map { "\($0.model) \($0.calls) \($0.lastSeenAt.nanoseconds)" }
    }

    private static func text(_ totals: UsageTotals) -> String {
        "\(totals.calls)(\(totals.unpricedCalls)) \(text(totals.counts)) \(totals.cost.nanodollars)"
    }

    private static func text(_ counts: TokenCounts) -> String {
        "\(counts.uncachedInput)/\(counts.cacheRead)/\(counts.cacheWrite5m)+\(counts.cacheWrite1h)/\(counts.output)/\(counts.reasoning)"
    }

    /// A missing name and an empty name are the same.
    private static func text(_ names: [String?]) -> String {
        names.map { $0.flatMap { $0.isEmpty ? nil : $0 } ?? "-" }.joined(separator: "|")
    }

    private static func text(_ session: Session) -> String {
        let names = [
            session.name, session.agent, session.model, session.project, session.user, session.machine, session.team,
            session.branch,
            session.agentVersion, session.parent, session.taskStatus,
        ]
        let bounds = "\(session.startedAt.nanoseconds)-\(session.lastSeenAt.nanoseconds)"
        let state = "\(session.isCompleted) \(session.provenance.rawValue)"
        return "session \(session.id) \(text(names)) \(state) \(bounds) \(text(session.totals))"
    }

    private static func text(_ call: Call) -> String {
        let price = call.price.map { "\($0.cost.nanodollars) \($0.isPriced) \($0.computed?.nanodollars ?? -1)" } ?? "-"
        let more = "\(call.reportedCost?.nanodollars ?? -1) \(call.duration ?? -1) \(call.sources.map(\.name))"
        return "call \(call.name) \(call.time.nanoseconds) \(text([call.model, call.provider, call.error])) "
            + "\(text(call.counts)) \(call.knowsCacheLifetimes) \(price) \(more)"
    }
}
