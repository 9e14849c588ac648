// SPDX-License-Identifier: Apache-2.0

/// When a plugin that has ended is started again.
///
/// One second after the first end, twice as long after each further one, a minute at most; a run of a minute starts the count again.
/// Five ends within a minute make it failed: it is tried once a minute then, until a run lasts as long.
struct RestartPolicy: Sendable {
    /// How long a run has to last to be trusted, and the time in which ends are counted.
    private let window: Duration
    private let first: Duration
    private let longest: Duration
    private let tolerated: Int

    private var ends: [Duration] = []
    private var wait: Duration
    /// Whether it ended so often that its component is failed.
    private(set) var hasFailed = false

    /// Creates a policy without ends.
    init(
        first: Duration = .seconds(1),
        longest: Duration = .seconds(60),
        tolerated: Int = 5,
        window: Duration = .seconds(60)
    ) {
        (self.first, self.longest, self.tolerated, self.window) = (first, longest, tolerated, window)
        wait = first
    }

    /// Notes the end of a run, with instants as the time since any fixed one; returns how long to wait.
    mutating func ended(startedAt start: Duration, at now: Duration) -> Duration {
        if now - start >= window { forget() }
        ends = ends.filter { now - $0 < window } + [now]
        if ends.count >= tolerated { hasFailed = true }
        if hasFailed { return longest }
        defer { wait = min(wait * 2, longest) }
        return wait
    }

    /// Whether a run has lasted long enough to be trusted again.
    func isStable(startedAt start: Duration, at now: Duration) -> Bool { now - start >= window }

    /// Starts the count again.
    mutating func forget() {
        ends = []
        wait = first
        hasFailed = false
    }
}
