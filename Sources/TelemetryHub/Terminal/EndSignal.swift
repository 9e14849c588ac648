// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// The signal that asks this process to end, remembered so that what was begun can be put in order first.
enum EndSignal {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP]
    /// 0 for none; a handler of signals may do no more than store it.
    private static let received = Atomic<Int32>(0)

    /// From here on such signals are remembered and end nothing.
    static func hold() {
        for number in numbers { signal(number) { EndSignal.received.store($0, ordering: .relaxed) } }
    }

    /// The signal that came; nil when none did.
    static var number: Int32? {
        let number = received.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Signals do again what they do by default; one that came meanwhile does it now.
    static func release() {
        for number in numbers { signal(number, SIG_DFL) }
        if let number { raise(number) }
    }
}
