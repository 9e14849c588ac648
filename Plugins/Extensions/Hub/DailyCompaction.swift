// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import Synchronization

/// Removes what is older than the retention, once a day by itself.
final class DailyCompaction: Sendable {
    private let api: UsageAPI
    private let settings: ComponentSettings
    private let work = Mutex<Task<Void, Never>?>(nil)

    /// How long after the start the first compaction comes: late enough to be in nobody's way, early enough for a machine that is
    /// switched off every night.
    private static let firstDelay = Duration.seconds(600)
    private static let interval = Duration.seconds(86_400)

    init(_ api: UsageAPI, _ settings: ComponentSettings) {
        self.api = api
        self.settings = settings
    }

    func start() {
        guard api.store != nil else { return }
        let (api, settings) = (api, settings)
        work.withLock { work in
            work = Task {
                var delay = Self.firstDelay
                while (try? await Task.sleep(for: delay)) != nil {
                    await Self.run(api, settings)
                    delay = Self.interval
                }
            }
        }
    }

    /// Ends; a compaction under way stops after its step.
    func stop() async {
        let task = work.withLock { $0.take() }
        task?.cancel()
        await task?.value
    }

    private static func run(_ api: UsageAPI, _ settings: ComponentSettings) async {
        do {
            let removed = try await api.compact(keeping: api.config.retention.nanoseconds)
            settings.logger.info("compacted the store", metadata: ["removed": "\(removed)"])
        } catch is CancellationError {
        } catch {
            settings.logger.warning("the store cannot be compacted", metadata: ["error": "\(error)"])
        }
    }
}
