// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization
import Testing

/// The gate that admits work.
struct GateTests {
    @Test func `closing waits for the work inside and lets no more in`() async {
        let gate = Gate()
        #expect(!gate.enter())
        gate.open()
        #expect(gate.enter())
        #expect(gate.enter())
        let hasClosed = Atomic(false)
        async let closing: Void = {
            gate.close()
            await gate.emptied()
            hasClosed.store(true, ordering: .relaxed)
        }()
        while gate.isOpen { await Task.yield() }
        #expect(!gate.enter())
        gate.leave()
        for _ in 1...20 { await Task.yield() }
        let closedEarly = hasClosed.load(ordering: .relaxed)
        #expect(!closedEarly)
        gate.leave()
        await closing
        await gate.emptied()
        gate.reenter()
        gate.leave()
        #expect(!gate.isOpen)
    }
}
