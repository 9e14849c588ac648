// SPDX-License-Identifier: Apache-2.0

/// When a plugin that has ended is started again.
///
/// One second after the first end, twice as long after each further one, a minute at most; a run of a minute starts the count again.
/// Five ends within a minute make it failed: it is tried once a minute then, until a run lasts as long.
struct RestartPolicy: Sendable {
    private static let window = Duration.seconds(60)
    private static let longest = Duration.seconds(60)
    private static let tolerated = 5

    private var ends: [Duration] = []
    private var wait = Duration.seconds(1)
    /// Whether it ended so often that its component is failed.
    private(set) var hasFailed = false

    /// Notes the end of a run, with instants as the time since any fixed one; returns how long to wait.
    mutating func ended(startedAt start: Duration, at now: Duration) -> Duration {
        if now - start >= Self.window {
            ends = []
            wait = .seconds(1)
            hasFailed = false
        }
        ends = ends.filter { now - $0 < Self.window } + [now]
        if ends.count >= Self.tolerated { hasFailed = true }
        if hasFailed { return Self.longest }
        defer { wait = min(wait * 2, Self.longest) }
        return wait
    }

    /// Whether a run has lasted long enough to be trusted again.
    func isStable(startedAt start: Duration, at now: Duration) -> Bool { now - start >= Self.window }
}
