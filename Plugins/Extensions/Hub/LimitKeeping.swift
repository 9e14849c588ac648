// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import FoundationEssentials
import HTTPTypes
import HubAPI
import Logging
import Synchronization
import Usage

/// Writes the limits that were noted to the disk, soon after; a limit that is lost by a crash is known again at the agent's next call.
final class LimitKeeping: Sendable {
    private let book: LimitBook
    private let settings: ComponentSettings
    private let work = Mutex<Task<Void, Never>?>(nil)

    /// How long a limit waits: agents report some with each call.
    private static let interval = Duration.seconds(5)
    /// The longest body of a report.
    private static let longest = 65_536

    init(_ book: LimitBook, _ settings: ComponentSettings) {
        (self.book, self.settings) = (book, settings)
    }

    func start() {
        _ = book.limits(now: settings.now())
        if let problem = book.problem {
            settings.logger.warning("the limits of the last run are not known", metadata: ["reason": "\(problem)"])
        }
        work.withLock { work in
            work = Task { [weak self] in
                while (try? await Task.sleep(for: Self.interval)) != nil, let keeping = self { keeping.keep() }
            }
        }
    }

    func stop() async {
        let task = work.withLock { $0.take() }
        task?.cancel()
        await task?.value
        keep()
    }

    private func keep() {
        do throws(FileError) {
            try book.keep(now: settings.now())
        } catch {
            settings.logger.warning(
                "limits cannot be kept",
                metadata: ["path": "\(error.path)", "error": "\(error.reason)"]
            )
        }
    }

    /// Takes in what an agent handed to its status line, and answers with what the line shows.
    ///
    /// A key without the permission to write gets the answer, and its report is not kept.
    func statusLine(_ request: ServerRequest, _ api: UsageAPI) async throws -> StatusLineDocument {
        let bytes: [UInt8]
        do throws(BodyError) {
            bytes = try await request.body.collect(limit: Self.longest)
        } catch {
            throw error == .tooLarge
                ? APIError(.contentTooLarge, "the body is too long") : .invalid("the body was cut off")
        }
        guard let report = try? JSONDecoder().decode(StatusLineReport.self, from: Data(bytes)), !report.agent.isEmpty
        else {
            throw APIError.invalid(
                "the body must be {\"agent\": …, \"limits\": [{\"name\": …, \"usedPercent\": …}]}, with session, account, machine, contextPercent, contextWindow and cost where they are known"
            )
        }
        if request.permissions.allow(.write) {
            let now = settings.now()
            book.note(report.usageLimits(reportedAt: now), now: now)
            if let reading = report.reading(reportedAt: now) { book.note(reading, now: now) }
            // Without a collector no task writes it later.
            let isRunning = work.withLock { $0 != nil }
            if !isRunning { keep() }
        }
        return try await api.statusLine(session: report.session)
    }
}
