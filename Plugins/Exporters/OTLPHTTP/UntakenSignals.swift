// SPDX-License-Identifier: Apache-2.0

import OTLP
import Synchronization
import Usage

/// Signals that a destination never accepts: it has no path for them (404, 405), but has accepted another signal.
///
/// A backend for traces always answers logs and metrics this way; without this type each batch would wait in the queue, be refused and
/// become a dead letter. A signal that was ever accepted does not count, nor does a destination that has accepted nothing yet, which
/// may be a wrong endpoint.
final class UntakenSignals: Sendable {
    private struct State {
        var taken: Set<Signal> = []
        var untaken: [Signal: Timestamp] = [:]
    }

    private let state = Mutex(State())

    /// After this time a batch is sent again, because a destination may support the signal by then.
    static let retryInterval: Int64 = 600_000_000_000

    /// Records that the destination accepted a signal.
    func noteTaken(_ signal: Signal) {
        state.withLock {
            $0.taken.insert(signal)
            $0.untaken[signal] = nil
        }
    }

    /// Records the status with which a signal was refused; returns whether the signal has just become unaccepted.
    func noteRefused(_ signal: Signal, status: UInt, at now: Timestamp) -> Bool {
        guard status == 404 || status == 405 else { return false }
        return state.withLock { state in
            guard !state.taken.isEmpty, !state.taken.contains(signal) else { return false }
            return state.untaken.updateValue(now, forKey: signal) == nil
        }
    }

    /// The signals that the destination does not accept.
    var signals: [Signal] {
        state.withLock { state in Signal.allCases.filter { state.untaken[$0] != nil } }
    }

    /// Whether a batch of a signal should not be sent now.
    func contains(_ signal: Signal, at now: Timestamp) -> Bool {
        state.withLock { state in
            guard let since = state.untaken[signal] else { return false }
            return now.nanoseconds - since.nanoseconds < Self.retryInterval
        }
    }
}
