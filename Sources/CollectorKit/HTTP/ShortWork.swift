// SPDX-License-Identifier: Apache-2.0

/// How much work a handler may do on the event loop of its connection, which serves hundreds of others.
public struct ShortWork: Sendable {
    /// The largest size of a decompressed body that may be processed there.
    public let bytes: Int
    /// The executor for longer work.
    public let workers: any TaskExecutor

    /// Creates a limit.
    public init(bytes: Int, workers: any TaskExecutor) {
        self.bytes = bytes
        self.workers = workers
    }
}

extension ServerRequest {
    /// Runs short work on the calling thread, and longer work on the workers, where it blocks no connection.
    ///
    /// - Parameter isShort: Called with the limit in bytes; not called when there is none.
    public func run<Success, Failure: Error>(
        ifShort isShort: (_ most: Int) -> Bool,
        _ work: () async throws(Failure) -> Success
    ) async throws(Failure) -> Success {
        guard let shortWork, !isShort(shortWork.bytes) else { return try await work() }
        return try await withTaskExecutorPreference(shortWork.workers) { () async throws(Failure) -> Success in
            // A task that has not been suspended yet continues on its first thread; this moves it.
            await Task.yield()
            return try await work()
        }
    }
}
