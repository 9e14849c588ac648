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

    private let state = Mutex<(station: Station, failure: String?)>((.made, nil))
    private let isFailing = Atomic(false)

    var station: Station {
        get { state.withLock { $0.station } }
        set { state.withLock { $0.station = newValue } }
    }

    /// Why the last piece of work failed; nil when it did not.
    var failure: String? { state.withLock { $0.failure } }

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
