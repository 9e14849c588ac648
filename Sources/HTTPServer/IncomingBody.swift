// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import NIOCore

/// The body of the request that a connection is at: what has come and nobody has taken yet, and who waits for it.
///
/// Belongs to the event loop of its connection.
struct IncomingBody {
    /// What a reader is handed: bytes, or nil after the last.
    typealias Outcome = Result<[UInt8]?, BodyError>

    /// What a reader waits for.
    enum Demand {
        /// Whatever comes next.
        case piece
        /// All of it, unless that is more than so many bytes.
        case whole(limit: Int)
    }

    private(set) var bytes: [UInt8] = []
    private(set) var isComplete = false
    private var failure: BodyError?
    private var waiting: (demand: Demand, continuation: CheckedContinuation<Outcome, Never>)?

    /// Whether a reader waits.
    var isWanted: Bool { waiting != nil }

    /// The length that the sender stated.
    private var stated = 0
    /// As much room is made for a body before any of it has come.
    private static let firstRoom = 1 << 20

    /// Makes room for a body whose length is stated; for all of a large one only once so much has come that it is really being sent.
    mutating func expect(_ length: Int) {
        stated = length
        bytes.reserveCapacity(min(length, Self.firstRoom))
    }

    mutating func append(_ buffer: ByteBuffer) {
        guard failure == nil else { return }
        let count = bytes.count + buffer.readableBytes
        if count > bytes.capacity, count <= stated, bytes.count >= Self.firstRoom / 2 { bytes.reserveCapacity(stated) }
        buffer.withUnsafeReadableBytes { bytes.append(contentsOf: $0) }
        settle()
    }

    mutating func complete() {
        isComplete = true
        settle()
    }

    /// Ends the body early; whoever waits for it learns that.
    mutating func fail(_ error: BodyError) {
        guard !isComplete, failure == nil else { return }
        failure = error
        bytes = []
        settle()
    }

    /// Lets a reader wait; it is woken as soon as there is what it wants.
    mutating func wait(for demand: Demand, _ continuation: CheckedContinuation<Outcome, Never>) {
        guard waiting == nil else {
            continuation.resume(returning: .failure(.interrupted))
            return
        }
        waiting = (demand, continuation)
        settle()
    }

    private mutating func settle() {
        guard let (demand, continuation) = waiting, let outcome = outcome(demand) else { return }
        waiting = nil
        continuation.resume(returning: outcome)
    }

    private mutating func outcome(_ demand: Demand) -> Outcome? {
        if let failure { return .failure(failure) }
        switch demand {
        case .piece where !bytes.isEmpty: return .success(taken())
        case .piece: return isComplete ? .success(nil) : nil
        case .whole(let limit) where bytes.count > limit:
            failure = .tooLarge
            bytes = []
            return .failure(.tooLarge)
        case .whole: return isComplete ? .success(taken()) : nil
        }
    }

    private mutating func taken() -> [UInt8] {
        let taken = bytes
        bytes = []
        return taken
    }
}

/// Lets a handler on any thread read the body that its connection takes in.
struct ConnectionBody: RequestBodySource {
    let connection: NIOLoopBound<ConnectionHandler>
    let eventLoop: any EventLoop
    /// The number of the request on its connection.
    let number: Int

    var pieces: any AsyncSequence<[UInt8], any Error> & Sendable { Pieces(body: self) }

    func collect(limit: Int) async throws(BodyError) -> [UInt8] {
        try await take(.whole(limit: limit)) ?? []
    }

    private func take(_ demand: IncomingBody.Demand) async throws(BodyError) -> [UInt8]? {
        let outcome = await withCheckedContinuation { continuation in
            eventLoop.execute { connection.value.demand(demand, of: number, continuation) }
        }
        return try outcome.get()
    }

    private struct Pieces: AsyncSequence, AsyncIteratorProtocol, Sendable {
        let body: ConnectionBody

        func makeAsyncIterator() -> Pieces { self }

        func next() async throws -> [UInt8]? { try await body.take(.piece) }
    }
}
