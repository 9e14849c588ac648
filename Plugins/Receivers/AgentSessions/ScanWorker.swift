// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Runs a pass on a thread of its own, because it waits for the disk.
final class ScanWorker: Sendable {
    private let pass: Mutex<Box>
    private let queue = DispatchQueue(label: "agent_sessions")

    private struct Box {
        var pass: ScanPass
    }

    init(_ options: ScanPass.Options, known: [String: FileMark]) {
        pass = Mutex(Box(pass: ScanPass(options, known: known)))
    }

    /// Looks which files there are; returns the keys of those that are there no more.
    func begin() async -> [String] { await run { $0.begin() } }

    /// Reads on.
    func step() async -> ScanPass.Step { await run { $0.step() } }

    private func run<Result: Sendable>(_ body: @escaping @Sendable (ScanPass) -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.pass.withLock { body($0.pass) }) }
        }
    }
}
