// SPDX-License-Identifier: Apache-2.0

import OTLP
import Synchronization
import Usage

/// Signals that a destination never takes: it has no path for them (404, 405), and has taken another signal.
///
/// A backend for traces answers logs and metrics so for ever; without this each batch waits in the queue, is refused and becomes a
/// dead letter. A signal that was ever taken, or a destination that has taken nothing yet (a wrong endpoint), is not meant.
final class UntakenSignals: Sendable {
    private struct State {
        var taken: Set<Signal> = []
        var untaken: [Signal: Timestamp] = [:]
    }

    private let state = Mutex(State())

    /// After so long a batch is sent again, because a destination may have learned the signal.
    static let patience: Int64 = 600_000_000_000

    /// Notes that the destination took a signal.
    func noteTaken(_ signal: Signal) {
        state.withLock {
            $0.taken.insert(signal)
            $0.untaken[signal] = nil
        }
    }

    /// Notes the status with which a signal was refused; returns whether the signal is untaken from now on and was not before.
    func noteRefused(_ signal: Signal, status: UInt, at now: Timestamp) -> Bool {
        guard status == 404 || status == 405 else { return false }
        return state.withLock { state in
            guard !state.taken.isEmpty, !state.taken.contains(signal) else { return false }
            return state.untaken.updateValue(now, forKey: signal) == nil
        }
    }

    /// Whether a batch of a signal is not worth sending now.
    func contains(_ signal: Signal, at now: Timestamp) -> Bool {
        state.withLock { state in
            guard let since = state.untaken[signal] else { return false }
            return now.nanoseconds - since.nanoseconds < Self.patience
        }
    }
}
