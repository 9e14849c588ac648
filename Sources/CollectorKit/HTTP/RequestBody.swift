// SPDX-License-Identifier: Apache-2.0

/// The body of a request, read once, piece by piece or whole.
public struct RequestBody: Sendable {
    /// The length the client stated, if it did.
    public let statedLength: Int?
    /// The pieces; an error means that the client went away or broke the protocol.
    public let pieces: any AsyncSequence<[UInt8], any Error> & Sendable

    /// Creates a body from pieces.
    public init(statedLength: Int?, pieces: any AsyncSequence<[UInt8], any Error> & Sendable) {
        self.statedLength = statedLength
        self.pieces = pieces
    }

    /// Creates a body that is there already.
    public init(bytes: [UInt8]) {
        let (stream, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        if !bytes.isEmpty { continuation.yield(bytes) }
        continuation.finish()
        self.init(statedLength: bytes.count, pieces: stream)
    }

    /// The whole body.
    ///
    /// Never holds more than `limit` bytes: a longer body is noticed by its stated length, or as soon as the limit is crossed.
    /// - Throws: ``BodyError``.
    public func collect(limit: Int) async throws(BodyError) -> [UInt8] {
        if let statedLength, statedLength > limit { throw .tooLarge }
        var bytes: [UInt8] = []
        if let statedLength { bytes.reserveCapacity(statedLength) }
        do {
            for try await piece in pieces {
                guard piece.count <= limit - bytes.count else { throw BodyError.tooLarge }
                if bytes.isEmpty, statedLength == nil || statedLength == piece.count {
                    bytes = piece
                } else {
                    bytes += piece
                }
            }
        } catch let error as BodyError {
            throw error
        } catch {
            throw .interrupted
        }
        return bytes
    }
}

/// Why a body could not be read whole.
public enum BodyError: Error, Sendable, Equatable {
    /// It is longer than allowed.
    case tooLarge
    /// The client went away or broke the protocol.
    case interrupted
}
