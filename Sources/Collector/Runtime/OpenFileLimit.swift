// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How many files and connections the process may have open.
enum OpenFileLimit {
    /// Allows as many as the system lets the process have: shells and service managers mostly begin with 1,024, which 1,024 connections
    /// alone use up.
    static func raise() {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        // Where it cannot be raised, accepting pauses and queues refuse for a time.
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(kind, &limit)
    }
}
