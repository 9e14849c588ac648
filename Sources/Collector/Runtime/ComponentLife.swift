// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization

/// How far a component has come, and whether its last piece of work failed for a reason that passes.
final class ComponentLife: Sendable {
    /// The stations.
    enum Station: Sendable {
        case made
        case started
        case stopped
    }

    /// Lets batches in, or those of a receiver out, while the component runs.
    let gate = Gate()
    private let state = Mutex<(station: Station, failure: String?)>((.made, nil))
    private let isFailing = Atomic(false)

    var station: Station {
        get { state.withLock { $0.station } }
        set { state.withLock { $0.station = newValue } }
    }

    /// Why the last piece of work failed; nil when it did not.
    var failure: String? { state.withLock { $0.failure } }

    /// Does a piece of work, if the component runs.
    ///
    /// - Parameter refusal: What to say when it does not.
    /// - Throws: What the work throws, or a retryable error when the component does not run.
    func work<Result>(
        orRefuse refusal: @autoclosure () -> String,
        _ body: () async throws(ConsumeError) -> Result
    ) async throws(ConsumeError) -> Result {
        guard gate.enter() else { throw .retryable(refusal()) }
        defer { gate.leave() }
        return try await body()
    }

    /// Notes a piece of work that failed and may be tried again.
    func fail(_ message: String) {
        state.withLock { $0.failure = message }
        isFailing.store(true, ordering: .relaxed)
    }

    /// Notes a piece of work that succeeded.
    func succeed() {
        guard isFailing.exchange(false, ordering: .relaxed) else { return }
        state.withLock { $0.failure = nil }
    }
}
