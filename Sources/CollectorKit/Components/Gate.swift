// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets work in while it is open; closing waits for the work inside.
///
/// Safe to use from many tasks.
public final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var inside = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Creates a gate that is closed.
    public init() {}

    /// Whether work may begin.
    public var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Lets work in from now on.
    public func open() { state.withLock { $0.isOpen = true } }

    /// Begins a piece of work; every true is followed by one ``leave()``.
    public func enter() -> Bool {
        state.withLock { state in
            if state.isOpen { state.inside += 1 }
            return state.isOpen
        }
    }

    /// Ends a piece of work.
    public func leave() {
        let waiting = state.withLock { state in
            state.inside -= 1
            guard state.inside == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Lets no more work in and returns when the last piece has ended.
    public func close() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                state.isOpen = false
                if state.inside > 0 { state.waiting.append(continuation) }
                return state.inside == 0
            }
            if isEmpty { continuation.resume() }
        }
    }
}
