// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Usage

/// Remembers where blocks begin, because that depends on all calls before: a store that is never silent for the length of a block would
/// be read from its first call on at every question, which takes seconds with a million calls.
///
/// What is remembered holds as long as no call was added or removed up to the end of the day on which the block began, which the sums of
/// the store tell. Safe to use from many tasks at once.
final class BlockMemory: Sendable {
    /// A block that is over, and the calls that it follows from.
    struct Beginning: Hashable {
        /// The time of its first call.
        var firstCall: Timestamp
        /// The calls up to the end of the day (UTC) of ``firstCall``.
        var calls: Int64
    }

    private struct Key: Hashable {
        var rule: BlockRule
        var filter: UsageFilter
    }

    private let beginnings = Mutex<[Key: Beginning]>([:])
    /// Filters come from outside.
    private static let most = 64

    /// What is remembered for a rule and a filter.
    subscript(rule: BlockRule, filter: UsageFilter) -> Beginning? {
        get { beginnings.withLock { $0[Key(rule: rule, filter: filter)] } }
        set {
            beginnings.withLock { beginnings in
                if beginnings.count >= Self.most { beginnings = [:] }
                beginnings[Key(rule: rule, filter: filter)] = newValue
            }
        }
    }
}
