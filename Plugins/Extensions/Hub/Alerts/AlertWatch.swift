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
        var book = AlertBook()
        var errors: [String: String] = [:]
        var isLoaded = false
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
        let now = settings.now()
        let (conditions, judged) = await survey.conditions(at: now)
        let targets = deliveries.keys.sorted()
        let isChanged = state.withLock { state in
            let before = state.book
            state.book.keep(targets: targets)
            state.book.update(conditions, judged: judged, now: now)
            state.book.forgetUntold()
            return state.book != before
        }
        // Nothing is sent of which a restart would not know.
        guard !isChanged || save() else { return }
        guard !isQuiet(at: now) else { return }
        for target in targets {
            for notice in state.withLock({ $0.book.due(to: target, at: now) }) where !Task.isCancelled {
                await deliver(notice, to: target)
            }
        }
    }

    private func deliver(_ notice: AlertNotice, to target: String) async {
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
            return state.book.note(notice, to: target, succeeded: failure == nil, now: now)
        }
        if let failure {
            settings.logger.warning(
                isGivenUp ? "an alert was given up after a day" : "an alert was not delivered",
                metadata: ["target": "\(target)", "reason": "\(failure.reason)", "alert": "\(notice.condition.key)"]
            )
        }
        _ = save()
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
            guard let book = try? JSONDecoder().decode(AlertBook.self, from: Data(bytes)) else {
                return settings.logger.warning(
                    "the alerts of the last run cannot be read; those that are still open are reported again",
                    metadata: ["path": "\(path)"]
                )
            }
            state.withLock { $0.book = book }
        } catch {
            settings.logger.warning("alerts cannot be read", metadata: ["path": "\(path)", "error": "\(error.reason)"])
        }
    }

    private func save() -> Bool {
        let book = state.withLock(\.book)
        do {
            try FileReplacement.replace(path, with: try OrderedJSONEncoder.bytes(of: book))
            return true
        } catch {
            let reason = (error as? FileError)?.reason ?? "\(error)"
            settings.logger.error(
                "alerts cannot be kept and are not sent",
                metadata: ["path": "\(path)", "error": "\(reason)"]
            )
            return false
        }
    }

    // MARK: - Answers

    /// What is open, and how targets are reached.
    func document() async -> AlertsDocument {
        load()
        let now = settings.now()
        let (conditions, judged) = await survey.conditions(at: now)
        let (kept, errors) = state.withLock { ($0.book, $0.errors) }
        var book = kept
        // On a copy: a query delivers nothing, and targets still get their notices.
        book.update(conditions, judged: judged, now: now)
        let open = book.open.values.sorted {
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
                    waiting: Int64(book.waiting(for: target.name, at: now).count),
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
