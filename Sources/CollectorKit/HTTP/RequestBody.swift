// SPDX-License-Identifier: Apache-2.0

/// The body of a request, read once, piece by piece or whole.
public struct RequestBody: Sendable {
    /// The length that the client stated, if any.
    public let statedLength: Int?
    private let source: any RequestBodySource

    /// Creates a body that is read from a source.
    public init(statedLength: Int?, source: any RequestBodySource) {
        self.statedLength = statedLength
        self.source = source
    }

    /// Creates a body from pieces.
    public init(statedLength: Int?, pieces: any AsyncSequence<[UInt8], any Error> & Sendable) {
        self.init(statedLength: statedLength, source: PiecesSource(pieces: pieces))
    }

    /// Creates a body from bytes.
    public init(bytes: [UInt8]) {
        self.init(statedLength: bytes.count, source: BytesSource(bytes: bytes))
    }

    /// The pieces; an error means that the client disconnected or violated the protocol.
    public var pieces: any AsyncSequence<[UInt8], any Error> & Sendable { source.pieces }

    /// The whole body.
    ///
    /// Never holds more than `limit` bytes: a longer body is detected by its stated length, or as soon as it exceeds the limit.
    /// - Throws: ``BodyError``.
    public func collect(limit: Int) async throws(BodyError) -> [UInt8] {
        if let statedLength, statedLength > limit { throw .tooLarge }
        return try await source.collect(limit: limit)
    }
}

/// The source of a body's bytes; read once, by one task.
public protocol RequestBodySource: Sendable {
    /// The pieces as they arrive; an error means that the client disconnected or violated the protocol.
    var pieces: any AsyncSequence<[UInt8], any Error> & Sendable { get }

    /// The whole body; never holds more than `limit` bytes.
    ///
    /// - Throws: ``BodyError``.
    func collect(limit: Int) async throws(BodyError) -> [UInt8]
}

/// Why a body could not be read whole.
public enum BodyError: Error, Sendable, Equatable {
    /// It is longer than allowed.
    case tooLarge
    /// The client disconnected or violated the protocol.
    case interrupted
}

/// A body from pieces.
private struct PiecesSource: RequestBodySource {
    let pieces: any AsyncSequence<[UInt8], any Error> & Sendable

    func collect(limit: Int) async throws(BodyError) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await piece in pieces {
                guard piece.count <= limit - bytes.count else { throw BodyError.tooLarge }
                bytes += piece
            }
        } catch let error as BodyError {
            throw error
        } catch {
            throw .interrupted
        }
        return bytes
    }
}

/// A body from bytes.
private struct BytesSource: RequestBodySource {
    let bytes: [UInt8]

    var pieces: any AsyncSequence<[UInt8], any Error> & Sendable {
        let (stream, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        if !bytes.isEmpty { continuation.yield(bytes) }
        continuation.finish()
        return stream
    }

    func collect(limit: Int) throws(BodyError) -> [UInt8] {
        guard bytes.count <= limit else { throw .tooLarge }
        return bytes
    }
}
