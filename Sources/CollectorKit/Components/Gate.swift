// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Admits work while it is open, and reports when the last admitted work has ended.
///
/// Safe to use from many tasks.
public final class Gate: Sendable {
    private struct State {
        var isOpen: Bool
        var inside = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    /// Creates a gate.
    public init(isOpen: Bool = false) {
        state = Mutex(State(isOpen: isOpen))
    }

    /// Whether work may begin.
    public var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Whether no work is in progress.
    public var isEmpty: Bool { state.withLock { $0.inside == 0 } }

    /// Admits work from now on.
    public func open() { state.withLock { $0.isOpen = true } }

    /// Admits no more work; work in progress continues.
    public func close() { state.withLock { $0.isOpen = false } }

    /// Begins work; every true must be followed by one ``leave()``.
    public func enter() -> Bool {
        state.withLock { state in
            if state.isOpen { state.inside += 1 }
            return state.isOpen
        }
    }

    /// Continues work that had left for a while, whether the gate is open or not.
    public func reenter() { state.withLock { $0.inside += 1 } }

    /// Ends work.
    public func leave() {
        let waiting = state.withLock { state in
            state.inside -= 1
            guard state.inside == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when no work is in progress.
    public func emptied() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.inside > 0 { state.waiting.append(continuation) }
                return state.inside == 0
            }
            if isEmpty { continuation.resume() }
        }
    }
}
