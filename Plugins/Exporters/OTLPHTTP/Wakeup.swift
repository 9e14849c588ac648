// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Wakes the one task that waits; a ring while nobody waits is kept for the next.
final class Wakeup: Sendable {
    private let state = Mutex(State())

    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
        /// Tells a timer whether the wait it was set for goes on.
        var wait: UInt64 = 0
    }

    func ring() {
        let waiter = state.withLock { state in
            state.isRung = state.waiter == nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns at the next ring, or after a time.
    func wait(_ time: Duration?) async {
        await withCheckedContinuation { continuation in
            let wait = state.withLock { state -> UInt64? in
                guard !state.isRung else {
                    state.isRung = false
                    return nil
                }
                state.wait += 1
                state.waiter = continuation
                return state.wait
            }
            guard let wait else { return continuation.resume() }
            guard let time else { return }
            let (seconds, attoseconds) = time.components
            let nanoseconds = max(0, min(seconds, 3_600)) * 1_000_000_000 + max(0, attoseconds / 1_000_000_000)
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(nanoseconds))) { [weak self] in
                self?.end(wait)
            }
        }
    }

    private func end(_ wait: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.wait == wait else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
