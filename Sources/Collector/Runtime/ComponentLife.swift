// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization

/// The lifecycle state of a component, and the error of its last work if that may be retried.
final class ComponentLife: Sendable {
    /// The lifecycle states.
    enum Station: Sendable {
        case made
        case started
        case stopped
    }

    /// Open while the component runs: batches enter it, or leave it when it is a receiver.
    let gate = Gate()
    private let state = Mutex<(station: Station, failure: String?)>((.made, nil))
    private let isFailing = Atomic(false)

    var station: Station {
        get { state.withLock { $0.station } }
        set { state.withLock { $0.station = newValue } }
    }

    /// The error of the last work; nil when it succeeded.
    var failure: String? { state.withLock { $0.failure } }

    /// Performs work if the component runs.
    ///
    /// - Parameter refusal: The message of the error when it does not run.
    /// - Throws: The error of the work, or a retryable error when the component does not run.
    func work<Result>(
        orRefuse refusal: @autoclosure () -> String,
        _ body: () async throws(ConsumeError) -> Result
    ) async throws(ConsumeError) -> Result {
        guard gate.enter() else { throw .retryable(refusal()) }
        defer { gate.leave() }
        return try await body()
    }

    /// Records that work failed with a retryable error.
    func fail(_ message: String) {
        state.withLock { $0.failure = message }
        isFailing.store(true, ordering: .relaxed)
    }

    /// Records that work succeeded.
    func succeed() {
        guard isFailing.exchange(false, ordering: .relaxed) else { return }
        state.withLock { $0.failure = nil }
    }
}
