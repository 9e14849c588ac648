// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import CollectorKit
import FoundationEssentials
import Logging
import Synchronization
import Usage

/// A clock that a test sets.
final class HandClock: Sendable {
    private let seconds = Mutex<Int64>(1_800_000_000)

    func pass(_ more: Int64) { seconds.withLock { $0 += more } }

    var now: Timestamp { Timestamp(nanoseconds: seconds.withLock { $0 } * 1_000_000_000) }
}
