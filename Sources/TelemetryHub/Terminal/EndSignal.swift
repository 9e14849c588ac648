// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The signal that requests this process to end, stored so that work in progress can be cleaned up first.
enum EndSignal {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP]
    /// 0 for none; a signal handler may do no more than store it.
    private static let received = Atomic<Int32>(0)

    /// From here on such signals are stored and do not end the process.
    static func hold() {
        for number in numbers { signal(number) { EndSignal.received.store($0, ordering: .relaxed) } }
    }

    /// The received signal; nil when there is none.
    static var number: Int32? {
        let number = received.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Restores the default handling; a signal that arrived meanwhile takes effect now.
    static func release() {
        for number in numbers { signal(number, SIG_DFL) }
        if let number { raise(number) }
    }
}
