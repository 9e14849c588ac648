// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// Runs requests whose work is long on threads of their own, so that neither event loops nor the threads that answer short questions
/// wait for them.
///
/// The threads begin with the first such request and live as long as the process. Safe to use from any thread.
final class WorkerThreads: TaskExecutor {
    static let shared = WorkerThreads()

    private let threads: NIOThreadPool

    private init() {
        threads = NIOThreadPool(numberOfThreads: max(2, System.coreCount))
        threads.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        threads.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
