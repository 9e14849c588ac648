// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import FoundationEssentials
import HTTPTypes
import HubAPI
import JSON
import Logging
import Synchronization
import Usage

/// Judges the rules once a minute and delivers notices to the targets.
///
/// What is open and what still has to be delivered is in a file before anything is sent: after a restart no notice is repeated
/// and none is lost.
final class AlertWatch: Sendable {
    private let config: AlertsConfig
    private let survey: AlertSurvey
    private let settings: ComponentSettings
    private let timezone: String
    private let deliveries: [String: any AlertDelivery]
    private let state: Mutex<State>
    private let work = Mutex<Task<Void, Never>?>(nil)
    private let interval: Duration

    private struct State {
        var books: [Shelf: AlertBook] = [.own: AlertBook()]
        /// Whether rules about usage are judged by one collector of the store at a time, with a book in the store.
        var isShared = false
        /// The book in the store as this collector read or left it last.
        var memo: [UInt8]?
        var errors: [String: String] = [:]
        var isLoaded = false
    }

    /// Where a book is kept.
    private enum Shelf: CaseIterable {
        /// In a file of this collector: alerts about it, and all others unless the store is shared.
        case own
        /// In the store, with the duty to deliver what is in it; only there while this collector has the duty.
        case store
    }

    /// Creates a watch; nothing is read or sent before ``start()``.
    ///
    /// - Parameters:
    ///   - deliveries: Takes the place of those of the configuration, for tests.
    ///   - interval: How often it looks.
    init(
        _ config: HubConfig,
        _ survey: AlertSurvey,
        _ settings: ComponentSettings,
        deliveries: [String: any AlertDelivery]? = nil,
        interval: Duration = .seconds(60)
    ) {
        (self.config, timezone) = (config.alerts, config.timezone)
        (self.survey, self.settings, self.interval) = (survey, settings, interval)
        self.deliveries = deliveries ?? Self.deliveries(config.alerts)
        state = Mutex(State())
    }

    private static func deliveries(_ config: AlertsConfig) -> [String: any AlertDelivery] {
        var deliveries: [String: any AlertDelivery] = [:]
        for target in config.targets {
            if let address = target.webhook.flatMap({ WebhookAddress($0.value) }) {
                deliveries[target.name] = WebhookDelivery(address, format: target.format)
            } else if !target.command.isEmpty {
                deliveries[target.name] = CommandDelivery(target.command)
            }
        }
        return deliveries
    }

    private var path: String { "\(settings.home)/alerts.json" }

    // MARK: - Running

    /// Begins to judge, if there is a target.
    func start() {
        guard !config.rules.isEmpty, !deliveries.isEmpty, survey.usage.store != nil else { return }
        work.withLock { work in
            work = Task { [weak self] in
                while let watch = self, !Task.isCancelled {
                    await watch.look()
                    if (try? await Task.sleep(for: watch.interval)) == nil { return }
                }
            }
        }
    }

    /// Ends; what was not delivered is delivered after the next start.
    func stop() async {
        let task = work.withLock { $0.take() }
        task?.cancel()
        await task?.value
    }

    /// Looks once: judges, keeps, and delivers what is due.
    func look() async {
        load()
        await takeDuty()
        let now = settings.now()
        let (conditions, judged) = await survey.conditions(at: now)
        for shelf in Shelf.allCases { await look(at: shelf, conditions, judged, now) }
    }

    private func look(at shelf: Shelf, _ conditions: [AlertCondition], _ judged: Set<AlertRule>, _ now: Timestamp) async
    {
        let targets = deliveries.keys.sorted()
        let isChanged = state.withLock { state -> Bool? in
            guard var book = state.books[shelf] else { return nil }
            let rules = Self.rules(of: shelf, isShared: state.isShared)
            book.keep(targets: targets)
            book.keep(rules: rules)
            book.update(conditions, judged: judged.intersection(rules), now: now)
            book.forgetUntold()
            defer { state.books[shelf] = book }
            return state.books[shelf] != book
        }
        guard let isChanged else { return }
        // Nothing is sent of which a restart would not know.
        if isChanged { guard await save(shelf) else { return } }
        guard !isQuiet(at: now) else { return }
        for target in targets {
            for notice in state.withLock({ $0.books[shelf]?.due(to: target, at: now) ?? [] }) where !Task.isCancelled {
                // Another collector may have the duty by now, after a delivery that took long.
                if shelf == .store { guard await hasDuty() else { return } }
                await deliver(notice, to: target, shelf)
            }
        }
    }

    private static func rules(of shelf: Shelf, isShared: Bool) -> Set<AlertRule> {
        Set(AlertRule.allCases.filter { isShared ? $0.isOfStore == (shelf == .store) : shelf == .own })
    }

    /// Takes the duty of the store, with the book that its last collector left; loses both when another one has it.
    private func takeDuty() async {
        guard let store = survey.usage.store else { return }
        let term: StoreTerm?
        do {
            term = try await store.take(.alerts)
        } catch {
            // What the store holds cannot be judged either; alerts about this collector are delivered all the same.
            return
        }
        state.withLock { state in
            state.isShared = term?.isShared ?? true
            guard let term, term.isShared else {
                state.books[.store] = nil
                return
            }
            // Another collector may have had the duty since; a book that could not be left is newer than the one in the store.
            guard state.books[.store] == nil || term.memo != state.memo else { return }
            state.memo = term.memo
            state.books[.store] = term.memo.flatMap(Self.book) ?? state.books[.store] ?? state.books[.own]
        }
    }

    /// Whether this collector still has the duty.
    private func hasDuty() async -> Bool {
        let term = try? await survey.usage.store?.take(.alerts)
        if term == nil { state.withLock { $0.books[.store] = nil } }
        return term != nil
    }

    private static func book(_ bytes: [UInt8]) -> AlertBook? {
        try? JSONDecoder().decode(AlertBook.self, from: Data(bytes))
    }

    private func deliver(_ notice: AlertNotice, to target: String, _ shelf: Shelf) async {
        guard let delivery = deliveries[target] else { return }
        var failure: AlertDeliveryError?
        do throws(AlertDeliveryError) {
            try await delivery.deliver(notice)
        } catch {
            failure = error
        }
        let now = settings.now()
        let isGivenUp = state.withLock { state in
            state.errors[target] = failure?.reason
            return state.books[shelf]?.note(notice, to: target, succeeded: failure == nil, now: now) ?? false
        }
        if let failure {
            settings.logger.warning(
                isGivenUp ? "an alert was given up after a day" : "an alert was not delivered",
                metadata: ["target": "\(target)", "reason": "\(failure.reason)", "alert": "\(notice.condition.key)"]
            )
        }
        _ = await save(shelf)
    }

    /// Whether notices wait at an instant.
    private func isQuiet(at now: Timestamp) -> Bool {
        guard let quiet = config.quiet.flatMap(QuietTime.init),
            let today = try? Period("today", timezone: timezone, now: now)
        else { return false }
        return quiet.holds(today.minute(of: now))
    }

    // MARK: - Keeping

    /// Reads what the last run left, once.
    private func load() {
        let isLoaded = state.withLock { state in
            defer { state.isLoaded = true }
            return state.isLoaded
        }
        guard !isLoaded else { return }
        do throws(FileError) {
            guard let bytes = try OwnFile.content(path, largest: 16 << 20) else { return }
            guard let book = Self.book(bytes) else {
                return settings.logger.warning(
                    "the alerts of the last run cannot be read; those that are still open are reported again",
                    metadata: ["path": "\(path)"]
                )
            }
            state.withLock { $0.books[.own] = book }
        } catch {
            settings.logger.warning("alerts cannot be read", metadata: ["path": "\(path)", "error": "\(error.reason)"])
        }
    }

    /// Keeps a book; false when it could not be, or when another collector has the duty now.
    private func save(_ shelf: Shelf) async -> Bool {
        guard let book = state.withLock({ $0.books[shelf] }) else { return false }
        do {
            let bytes = try OrderedJSONEncoder.bytes(of: book)
            if shelf == .own {
                try FileReplacement.replace(path, with: bytes)
                return true
            }
            let isLeft = try await survey.usage.store?.leave(bytes, of: .alerts) ?? false
            state.withLock { state in
                if isLeft { state.memo = bytes } else { state.books[.store] = nil }
            }
            return isLeft
        } catch {
            let reason = (error as? FileError)?.reason ?? "\(error)"
            settings.logger.error(
                "alerts cannot be kept and are not sent",
                metadata: ["path": shelf == .own ? "\(path)" : "the store", "error": "\(reason)"]
            )
            return false
        }
    }

    /// The books as they are, whichever collector has the duty of the store.
    private func present() async -> [Shelf: AlertBook] {
        var books = state.withLock { $0.books }
        if books[.store] == nil, let memo = try? await survey.usage.store?.memo(of: .alerts) {
            books[.store] = Self.book(memo)
        }
        return books
    }

    // MARK: - Answers

    /// What is open, and how targets are reached.
    func document() async -> AlertsDocument {
        load()
        let now = settings.now()
        let (conditions, judged) = await survey.conditions(at: now)
        let errors = state.withLock(\.errors)
        var books = await present()
        let isShared = books[.store] != nil
        // On copies: a query delivers nothing, and targets still get their notices.
        for shelf in books.keys {
            let rules = Self.rules(of: shelf, isShared: isShared)
            books[shelf]?.keep(rules: rules)
            books[shelf]?.update(conditions, judged: judged.intersection(rules), now: now)
        }
        let all = books.values
        let open = all.flatMap(\.open.values).sorted {
            ($0.since.nanoseconds, $0.condition.key) < ($1.since.nanoseconds, $1.condition.key)
        }
        return AlertsDocument(
            alerts: open.map { alert in
                AlertsDocument.Alert(
                    rule: alert.condition.rule.rawValue,
                    key: alert.condition.key,
                    level: Int64(alert.condition.level),
                    since: alert.since.iso8601,
                    title: alert.condition.title,
                    detail: alert.condition.detail,
                    for: alert.condition.names ?? [:]
                )
            },
            targets: config.targets.map { target in
                AlertsDocument.Target(
                    name: target.name,
                    kind: target.webhook == nil ? "command" : "webhook",
                    waiting: Int64(all.reduce(0) { $0 + $1.waiting(for: target.name, at: now).count }),
                    lastError: errors[target.name]
                )
            },
            isQuiet: isQuiet(at: now)
        )
    }

    /// Sends a notice for a try, whatever the time.
    func test(_ target: String) async throws -> AlertTestDocument {
        guard let delivery = deliveries[target] else {
            let known = deliveries.keys.sorted().joined(separator: ", ")
            throw APIError(
                .notFound,
                "no target is called \"\(target)\"" + (known.isEmpty ? "" : "; there are \(known)")
            )
        }
        let now = settings.now()
        let condition = AlertCondition(
            rule: .component,
            key: "test",
            level: 0,
            title: "notices of Telemetry Hub arrive here",
            detail: "Somebody ran `hammurabi alerts test \(target)`; there is nothing to do."
        )
        let notice = AlertNotice(id: "\(now.nanoseconds)-test", kind: .test, at: now, condition: condition)
        do throws(AlertDeliveryError) {
            try await delivery.deliver(notice)
        } catch {
            throw APIError(.badGateway, "the notice did not arrive: \(error.reason)")
        }
        return AlertTestDocument(target: target)
    }
}
