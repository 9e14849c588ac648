// SPDX-License-Identifier: Apache-2.0

/// How much a handler may do where it was started: on the event loop of its connection, which serves hundreds of others.
public struct ShortWork: Sendable {
    /// As many bytes of a body, inflated, may be worked on there.
    public let bytes: Int
    /// Where all longer work belongs.
    public let workers: any TaskExecutor

    /// Creates a bound.
    public init(bytes: Int, workers: any TaskExecutor) {
        self.bytes = bytes
        self.workers = workers
    }
}

extension ServerRequest {
    /// Runs work where it was started when it is short, and else where it holds up no connection.
    ///
    /// - Parameter isShort: Is asked with the most bytes that may be worked on; not asked where any work may be done.
    public func run<Success, Failure: Error>(
        ifShort isShort: (_ most: Int) -> Bool,
        _ work: () async throws(Failure) -> Success
    ) async throws(Failure) -> Success {
        guard let shortWork, !isShort(shortWork.bytes) else { return try await work() }
        return try await withTaskExecutorPreference(shortWork.workers) { () async throws(Failure) -> Success in
            // A task that has not waited yet runs on where it was started; this moves it.
            await Task.yield()
            return try await work()
        }
    }
}
