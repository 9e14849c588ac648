// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import HubAPI
import Logging
import SinkServer
import Synchronization
import Testing
import Usage

@testable import HubExtension

/// What is reported, how often, and that it arrives.
struct AlertTests {
    private static let start = Timestamp(nanoseconds: 1_795_000_000_000_000_000)

    private static func after(_ seconds: Int64) -> Timestamp {
        Timestamp(nanoseconds: start.nanoseconds + seconds * 1_000_000_000)
    }

    private static func condition(_ key: String, _ level: Int = 1, _ rule: AlertRule = .budget) -> AlertCondition {
        AlertCondition(rule: rule, key: key, level: level, title: key, detail: "d")
    }

    /// Takes what is due to targets as delivered; what it was.
    private static func delivered(_ book: inout AlertBook, _ now: Timestamp, to targets: [String] = ["t"]) -> [String] {
        targets.flatMap { target in
            book.due(to: target, at: now).map { notice in
                _ = book.note(notice, to: target, succeeded: true, now: now)
                return "\(notice.kind.rawValue) \(notice.condition.key) \(notice.condition.level) \(target)"
            }
        }
    }

    // MARK: - The book

    @Test func `a crossing is reported once, again when it gets worse, and when it is over`() {
        var book = AlertBook()
        var told: [[String]] = []
        for (minute, levels) in [[50], [50], [80], [50], [80], [100], [], [50]].enumerated() {
            let now = Self.after(Int64(minute) * 60)
            book.update(levels.map { Self.condition("b", $0) }, judged: [.budget], now: now)
            told.append(Self.delivered(&book, now))
        }
        #expect(
            told == [
                ["raised b 50 t"], [], ["worsened b 80 t"], [], [], ["worsened b 100 t"], ["resolved b 100 t"],
                ["raised b 50 t"],
            ]
        )
    }

    /// The percentages of alerts are those that reports and pages show; a budget that is not used up never has 100.
    @Test(arguments: [(635, 64), (634, 63), (999, 99), (1_000, 100), (1_255, 126), (0, 0)])
    func `the share of a budget is rounded as in reports`(part: Int, percent: Int) {
        #expect(AlertRules.percent(Int128(part), of: 1_000) == Int128(percent))
    }

    @Test func `a rule that could not be judged ends no alert`() {
        var book = AlertBook()
        book.update([Self.condition("b")], judged: [.budget], now: Self.start)
        _ = Self.delivered(&book, Self.start)
        book.update([], judged: [.component], now: Self.after(60))
        #expect(Self.delivered(&book, Self.after(60)).isEmpty)
        #expect(book.open.count == 1)
    }

    @Test func `a target that was down hears of an alert once, as it is by then, and nothing of what came and went`() {
        var book = AlertBook()
        book.update([Self.condition("a", 50), Self.condition("b")], judged: [.budget], now: Self.start)
        for notice in book.due(to: "down", at: Self.start) {
            _ = book.note(notice, to: "down", succeeded: false, now: Self.start)
        }
        #expect(Self.delivered(&book, Self.start, to: ["up"]) == ["raised a 50 up", "raised b 1 up"])
        book.update([Self.condition("a", 80)], judged: [.budget], now: Self.after(30))
        #expect(book.due(to: "down", at: Self.after(30)).isEmpty)
        #expect(
            Self.delivered(&book, Self.after(60), to: ["down", "up"])
                == ["raised a 80 down", "worsened a 80 up", "resolved b 1 up"]
        )
        #expect(book.waiting(for: "down", at: Self.after(60)).isEmpty)
    }

    @Test func `a failed delivery is tried again ever more rarely, and given up after a day`() {
        var book = AlertBook()
        book.update([Self.condition("b")], judged: [.budget], now: Self.start)
        var tries: [Int64] = []
        for second in stride(from: Int64(0), through: 100_000, by: 60) {
            for notice in book.due(to: "t", at: Self.after(second)) {
                tries.append(second)
                _ = book.note(notice, to: "t", succeeded: false, now: Self.after(second))
            }
        }
        #expect(tries.prefix(5) == [0, 60, 180, 420, 900])
        #expect(tries.count < 40)
        #expect((book.waiting(for: "t", at: Self.after(100_000)).count, book.abandoned) == (0, 1))
        // Of what it never heard it hears no end.
        book.update([], judged: [.budget], now: Self.after(100_060))
        book.forgetUntold()
        #expect(book.waiting(for: "t", at: Self.after(100_060)).isEmpty)
    }

    @Test func `every target hears a history that is well formed, whatever fails and restarts`() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            var book = AlertBook()
            var heard: [String: [AlertNotice]] = [:]
            var last: [AlertCondition] = []
            for step in 0..<40 {
                let now = Self.after(Int64(step) * 60)
                last = ["a", "b"].filter { _ in Bool.random(using: &random) }.map {
                    Self.condition($0, Int.random(in: 1...3, using: &random))
                }
                book.update(last, judged: [.budget], now: now)
                if Int.random(in: 0..<4, using: &random) == 0 {
                    book = try JSONDecoder().decode(AlertBook.self, from: try JSONEncoder().encode(book))
                }
                for target in ["t", "u"] {
                    for notice in book.due(to: target, at: now) {
                        let isDone = Bool.random(using: &random)
                        if isDone { heard["\(target) \(notice.condition.key)", default: []].append(notice) }
                        _ = book.note(notice, to: target, succeeded: isDone, now: now)
                    }
                }
            }
            let end = Self.after(80_000)
            for target in ["t", "u"] {
                for notice in book.due(to: target, at: end) {
                    heard["\(target) \(notice.condition.key)", default: []].append(notice)
                    _ = book.note(notice, to: target, succeeded: true, now: end)
                }
            }
            for (name, notices) in heard {
                #expect(Self.isWellFormed(notices), "\(name): \(notices.map(\.kind))")
                let isOpen = last.contains { name.hasSuffix(" " + $0.key) }
                #expect((notices.last?.kind != .resolved) == isOpen, "\(name)")
                #expect(Set(notices.map(\.id)).count == notices.count)
            }
        }
    }

    /// Whether an alert is raised, then worsened with rising levels, then resolved, and so on.
    private static func isWellFormed(_ notices: [AlertNotice]) -> Bool {
        var level: Int?
        for notice in notices {
            switch notice.kind {
            case .raised:
                guard level == nil else { return false }
                level = notice.condition.level
            case .worsened:
                guard let known = level, notice.condition.level > known else { return false }
                level = notice.condition.level
            case .resolved:
                guard level != nil else { return false }
                level = nil
            case .test: return false
            }
        }
        return true
    }

    @Test func `names from outside open only so many alerts`() {
        var book = AlertBook()
        book.update((0..<3_000).map { Self.condition("m\($0)", 1, .unpriced) }, judged: [.unpriced], now: Self.start)
        #expect((book.open.count, book.due(to: "t", at: Self.start).count) == (1_000, 1_000))
        book.update([], judged: [.unpriced], now: Self.after(60))
        #expect((book.open.count, book.due(to: "t", at: Self.after(60)).count) == (0, 0))
    }

    // MARK: - The rules

    @Test(arguments: [
        (Int64(10), 30, Int?.none), (20, 30, nil), (29, 30, nil), (41, 30, 1), (81, 30, 2), (10_000, 30, 8),
        (41, 13, nil),
    ])
    func `a day is far dearer than usual from twice its weekday on`(dollars: Int64, days: Int, level: Int?) throws {
        let history = try Self.days(days, ["shop": 20_000_000_000])
        let day = UnusualDay(try Self.day(["shop": dollars * 1_000_000_000]), after: history)
        #expect(day.map(AlertRules.anomaly)?.level == level)
    }

    @Test func `a day of cents is nothing to report`() throws {
        let history = try Self.days(30, ["shop": 1_000_000])
        #expect(UnusualDay(try Self.day(["shop": 900_000_000]), after: history) == nil)
    }

    @Test func `the cause of an unusual day is the name with most of the surplus, not the one with most of the cost`()
        throws
    {
        let history = try Self.days(28, ["large": 30_000_000_000, "small": 1_000_000_000])
        let day = try #require(
            UnusualDay(try Self.day(["large": 32_000_000_000, "small": 40_000_000_000]), after: history)
        )
        #expect(day.names == ["project": ["small"]])
        #expect(
            day.detail
                == "$72.00 where this weekday usually costs $31.00; project small took $39.00 more than usual"
        )
        let spread = try #require(
            UnusualDay(
                try Self.day(Dictionary(uniqueKeysWithValues: (0..<10).map { ("p\($0)", 9_000_000_000) })),
                after: history
            )
        )
        #expect(spread.names == [:])
        #expect(spread.detail.hasSuffix("; the surplus has no single cause"))
    }

    private static let noon = Timestamp(iso8601: "2026-11-22T12:00:00.000Z") ?? Timestamp(nanoseconds: 0)

    /// A day with so many nanodollars by project.
    private static func day(_ costs: [String: Int64]) throws -> UsageSummary {
        try summary(Period("today", timezone: "UTC", now: noon), costs)
    }

    /// So many days before it, each with the same costs.
    private static func days(_ count: Int, _ costs: [String: Int64]) throws -> UsageSummary {
        try summary(
            try #require(try Period("today", timezone: "UTC", now: noon).before(days: count)),
            costs
        )
    }

    private static func summary(_ period: Period, _ costs: [String: Int64]) throws -> UsageSummary {
        var summary = UsageSummary(period: period)
        let sum = Money(nanodollars: costs.values.reduce(0, +))
        for place in summary.byDay.indices {
            summary.byDay[place].totals.cost = sum
            summary.totals.cost += sum
        }
        summary.byProject = costs.mapValues { cost in
            var share = UsageSummary.Share()
            share.totals.cost = Money(nanodollars: cost * Int64(period.days.count))
            return share
        }
        return summary
    }

    @Test func `a machine is silent when it breaks its habit, and a weekend is none`() {
        func days(_ active: String, _ silent: Int) -> [Set<String>] {
            active.map { $0 == "x" ? ["m", ""] : [] } + (0..<silent).map { _ in ["other"] }
        }
        func isSilent(_ active: String, _ silent: Int) -> Bool {
            AlertRules.silentMachines(days(active, silent), tolerance: 1).contains { $0.key == "silent_machine/m" }
        }
        #expect(!isSilent("xxxxx..xxxxx", 3))
        #expect(!isSilent("xxxxx..xxxxx", 6))
        #expect(isSilent("xxxxx..xxxxx", 7))
        #expect(!isSilent("xxxxxxx", 2))
        #expect(isSilent("xxxxxxx", 3))
        #expect(!isSilent("xxx", 20))
    }

    @Test(arguments: [
        ("22:00-07:00", 22 * 60, true), ("22:00-07:00", 21 * 60 + 59, false), ("22:00-07:00", 0, true),
        ("22:00-07:00", 7 * 60, false), ("08:00-12:30", 12 * 60 + 29, true), ("08:00-12:30", 12 * 60 + 30, false),
    ])
    func `a quiet time holds its beginning and not its end`(text: String, minute: Int, isQuiet: Bool) throws {
        #expect(try #require(QuietTime(text)).holds(minute) == isQuiet)
    }

    @Test(arguments: ["", "22:00", "22-7", "24:00-07:00", "22:00-22:00", "22:60-23:00", "+2:00-03:00", "22:00-07:00-1"])
    func `what is no quiet time is refused`(text: String) { #expect(QuietTime(text) == nil) }

    // MARK: - Delivery

    private static func notice(_ title: String, _ detail: String = "d") -> AlertNotice {
        let condition = AlertCondition(rule: .budget, key: "k", level: 80, title: title, detail: detail)
        return AlertNotice(id: "1-1", kind: .raised, at: start, condition: condition)
    }

    @Test func `a webhook gets the notice in the form of its service`() async throws {
        let server = try await SinkServer.start { request in SinkServer.Reply(request.path == "/bad" ? 500 : 204) }
        let base = "http://127.0.0.1:\(server.port)"
        func deliver(_ path: String, _ format: AlertsConfig.Format, _ notice: AlertNotice) async throws -> String {
            let address = try #require(WebhookAddress(base + path))
            try await WebhookDelivery(address, format: format).deliver(notice)
            return String(decoding: try #require(server.requests.last).body, as: UTF8.self)
        }
        #expect(
            try await deliver("/", .json, Self.notice("b")) == """
                {"id":"1-1","kind":"raised","at":"\(Self.start.iso8601)","rule":"budget","key":"k","level":80,"title":"b","detail":"d"}
                """
        )
        #expect(
            try await deliver("/", .slack, Self.notice("<!channel> & co", "a\u{7}b"))
                == #"{"text":"*&lt;!channel&gt; &amp; co*\nd"}"#.replacing("d\"", with: "a b\"")
        )
        #expect(
            try await deliver("/", .discord, Self.notice("@everyone"))
                == #"{"content":"**@everyone**\nd","allowed_mentions":{"parse":[]}}"#
        )
        await #expect(throws: AlertDeliveryError(reason: "the webhook answered 500")) {
            try await deliver("/bad", .json, Self.notice("b"))
        }
        await server.stop()
        await #expect(throws: AlertDeliveryError.self) { try await deliver("/", .json, Self.notice("b")) }
    }

    @Test func `a command gets the notice on its standard input and in its environment`() async throws {
        let folder = try TemporaryFolder()
        let script =
            "cat > \(folder.path)/in; echo \"$HAMMURABI_ALERT_KIND $HAMMURABI_ALERT_TITLE $0\" > \(folder.path)/env"
        try await CommandDelivery(["/bin/sh", "-c", script, "word"]).deliver(Self.notice("a title"))
        #expect(try folder.read("in").contains(#""title":"a title""#))
        #expect(try folder.read("env") == "raised a title word\n")
        await #expect(throws: AlertDeliveryError(reason: "the program ended with 3")) {
            try await CommandDelivery(["/bin/sh", "-c", "exit 3"]).deliver(Self.notice("b"))
        }
        await #expect(throws: AlertDeliveryError.self) {
            try await CommandDelivery(["\(folder.path)/absent"]).deliver(Self.notice("b"))
        }
    }

    // MARK: - The watch

    /// A target that fails as long as a test wants it.
    private final class Target: AlertDelivery {
        private let state = Mutex<(isDown: Bool, notices: [AlertNotice])>((false, []))

        var heard: [String] { state.withLock { $0.notices.map { "\($0.kind.rawValue) \($0.condition.level)" } } }

        func isDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }

        func deliver(_ notice: AlertNotice) async throws(AlertDeliveryError) {
            let isDown = state.withLock { state in
                if !state.isDown { state.notices.append(notice) }
                return state.isDown
            }
            if isDown { throw AlertDeliveryError(reason: "down") }
        }
    }

    /// A hub's watch over a store in which the first day of the month cost so many dollars.
    private struct Watched {
        let store = FakeStore()
        let clock = Clock()
        let target: Target
        let folder: TemporaryFolder
        private let config: HubConfig
        private let status: CollectorStatus

        init(
            quiet: String? = nil,
            rules: [AlertRule] = [.budget],
            sharing desk: DutyDesk? = nil,
            target: Target = Target(),
            status: CollectorStatus = CollectorStatus()
        ) throws {
            (self.target, self.status) = (target, status)
            store.prepare { $0.desk = desk }
            folder = try TemporaryFolder()
            var config = HubConfig()
            (config.budget.monthly, config.timezone) = (100, "UTC")
            (config.alerts.rules, config.alerts.quiet) = (rules, quiet)
            self.config = config
        }

        func spend(_ dollars: Int64) {
            store.prepare { state in
                state.summary = { period in
                    var summary = UsageSummary(period: period)
                    for index in summary.byDay.indices where summary.byDay[index].date == "2026-11-01" {
                        summary.byDay[index].totals.cost = Money(nanodollars: dollars * 1_000_000_000)
                    }
                    return summary
                }
            }
        }

        /// A watch as after a start of the program.
        func watch() throws -> AlertWatch {
            let (store, clock) = (store, clock)
            let settings = ComponentSettings(
                id: try #require(ComponentID("hub")),
                logger: Logger(label: "hub") { _ in SwiftLogNoOpLogHandler() },
                home: folder.path,
                now: { clock.now }
            )
            let usage = UsageAPI(
                config: config,
                store: store,
                scanners: [],
                pricing: nil,
                now: { clock.now },
                limits: LimitBook(home: "/nowhere")
            )
            let survey = AlertSurvey(usage: usage, status: { [status] in status }, config.alerts)
            return AlertWatch(config, survey, settings, deliveries: ["team": target])
        }
    }

    @Test func `a restart repeats nothing and forgets nothing`() async throws {
        let watched = try Watched()
        watched.spend(60)
        try await watched.watch().look()
        #expect(watched.target.heard == ["raised 50"])
        try await watched.watch().look()
        #expect(watched.target.heard == ["raised 50"])
        watched.target.isDown(true)
        watched.spend(85)
        try await watched.watch().look()
        #expect(watched.target.heard == ["raised 50"])
        watched.target.isDown(false)
        try watched.clock.set("2026-11-22T12:02:00.000Z")
        try await watched.watch().look()
        #expect(watched.target.heard == ["raised 50", "worsened 80"])
        watched.spend(10)
        try await watched.watch().look()
        #expect(watched.target.heard == ["raised 50", "worsened 80", "resolved 80"])
    }

    @Test func `of the collectors of one store one reports, and the next goes on where it ended`() async throws {
        let (desk, target) = (DutyDesk(), Target())
        let (one, two) = (try Watched(sharing: desk, target: target), try Watched(sharing: desk, target: target))
        let (first, second) = (try one.watch(), try two.watch())
        for watched in [one, two] { watched.spend(60) }
        await first.look()
        await second.look()
        await first.look()
        #expect(target.heard == ["raised 50"])
        // Both answer with the same alert and the instant at which it was first noticed.
        #expect(await second.document() == first.document())
        // The first one stalls: its term ends, and what it still would report is no longer its business.
        desk.expire()
        for watched in [one, two] { watched.spend(85) }
        await second.look()
        await first.look()
        #expect(target.heard == ["raised 50", "worsened 80"])
        // It comes back from its file without the book of the store.
        desk.expire()
        for watched in [one, two] { watched.spend(10) }
        try await one.watch().look()
        await second.look()
        #expect(target.heard == ["raised 50", "worsened 80", "resolved 80"])
    }

    @Test func `a collector that loses its duty during a delivery stops`() async throws {
        let (desk, target) = (DutyDesk(), Target())
        let (one, two) = (try Watched(sharing: desk, target: target), try Watched(sharing: desk, target: target))
        for watched in [one, two] { watched.spend(60) }
        target.isDown(true)
        let first = try one.watch()
        await first.look()
        desk.expire()
        target.isDown(false)
        try two.clock.set("2026-11-22T12:02:00.000Z")
        try one.clock.set("2026-11-22T12:02:00.000Z")
        try await two.watch().look()
        await first.look()
        #expect(target.heard == ["raised 50"])
    }

    @Test func `alerts about a collector are its own, also while the store is away`() async throws {
        let (desk, target) = (DutyDesk(), Target())
        var status = CollectorStatus()
        status.memory.isRefusing = true
        let rules: [AlertRule] = [.budget, .component]
        let one = try Watched(rules: rules, sharing: desk, target: target, status: status)
        let two = try Watched(rules: rules, sharing: desk, target: target, status: status)
        for watched in [one, two] { watched.spend(60) }
        try await one.watch().look()
        #expect(target.heard == ["raised 1", "raised 50"])
        let second = try two.watch()
        await second.look()
        #expect(target.heard == ["raised 1", "raised 50", "raised 1"])
        two.store.prepare { $0.error = StoreError("away") }
        await second.look()
        #expect(target.heard == ["raised 1", "raised 50", "raised 1"])
    }

    @Test func `notices wait for the end of a quiet time, and those that are over by then are not sent`() async throws {
        let watched = try Watched(quiet: "11:00-13:00")
        watched.spend(60)
        let watch = try watched.watch()
        await watch.look()
        #expect(watched.target.heard.isEmpty)
        let document = await watch.document()
        #expect((document.isQuiet, document.alerts.count) == (true, 1))
        try watched.clock.set("2026-11-22T13:00:00.000Z")
        await watch.look()
        #expect(watched.target.heard == ["raised 50"])
        try watched.clock.set("2026-11-23T11:00:00.000Z")
        watched.spend(90)
        await watch.look()
        watched.spend(10)
        await watch.look()
        try watched.clock.set("2026-11-23T13:00:00.000Z")
        await watch.look()
        #expect(watched.target.heard == ["raised 50", "resolved 50"])
    }

    @Test func `a question reports nothing, and a store that does not answer ends no alert`() async throws {
        let watched = try Watched()
        watched.spend(60)
        let watch = try watched.watch()
        #expect(await watch.document().alerts.map(\.key) == ["budget/monthly/2026-11-01"])
        #expect(watched.target.heard.isEmpty)
        await watch.look()
        watched.store.prepare { $0.error = StoreError("away") }
        await watch.look()
        #expect(watched.target.heard == ["raised 50"])
        #expect(await watch.document().alerts.count == 1)
    }

    @Test func `a file that cannot be read is told, and alerts are reported again`() async throws {
        let watched = try Watched()
        try watched.folder.write("{\"open\":", to: "alerts.json")
        watched.spend(60)
        try await watched.watch().look()
        #expect(watched.target.heard == ["raised 50"])
    }

    @Test func `a notice for a try arrives or says why it does not`() async throws {
        let watched = try Watched()
        let watch = try watched.watch()
        #expect(try await watch.test("team").ok)
        watched.target.isDown(true)
        await #expect(throws: APIError.self) { try await watch.test("team") }
        await #expect(throws: APIError.self) { try await watch.test("nobody") }
    }
}
