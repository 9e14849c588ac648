// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts the work inside; once closed it lets no more in, and tells when the last piece has left.
final class WorkGate: Sendable {
    private struct State {
        var isOpen = true
        var inside = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Begins a piece of work; every true is followed by one ``leave()``.
    func enter() -> Bool {
        state.withLock { state in
            if state.isOpen { state.inside += 1 }
            return state.isOpen
        }
    }

    /// Goes on with a piece of work that had left for a while, closed or not.
    func reenter() { state.withLock { $0.inside += 1 } }

    /// Ends a piece of work.
    func leave() {
        let waiting = state.withLock { state in
            state.inside -= 1
            guard state.inside == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Lets no more work in.
    func close() { state.withLock { $0.isOpen = false } }

    /// Lets work in again.
    func open() { state.withLock { $0.isOpen = true } }

    /// Returns when nothing is inside.
    func emptied() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.inside > 0 { state.waiting.append(continuation) }
                return state.inside == 0
            }
            if isEmpty { continuation.resume() }
        }
    }
}
