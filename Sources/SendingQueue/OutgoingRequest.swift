// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// An OTLP request in protobuf as separate pieces, which are joined when it is sent.
public struct OutgoingRequest: Sendable, Hashable {
    /// The pieces, in order.
    public internal(set) var pieces: [ArraySlice<UInt8>]

    /// Through how many collectors its records have come; the destination gets one more, so that a circle of collectors ends.
    public let hops: Int

    init(pieces: [ArraySlice<UInt8>], hops: Int) { (self.pieces, self.hops) = (pieces, hops) }

    /// A request of one piece.
    public init(_ bytes: [UInt8], hops: Int = 0) { (pieces, self.hops) = ([bytes[...]], hops) }

    /// The size in bytes.
    public var size: Int { pieces.reduce(0) { $0 + $1.count } }

    /// The whole request as one array.
    public var bytes: [UInt8] {
        if pieces.count == 1, pieces[0].startIndex == 0 { return Array(pieces[0]) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for piece in pieces { bytes.append(contentsOf: piece) }
        return bytes
    }
}

/// The outcome of sending a request.
public enum SendOutcome: Sendable, Hashable {
    /// The destination accepted it, except some records that it rejected; with its message, which may be empty.
    case taken(rejected: Int, message: String)
    /// The destination accepted it except these parts, which it will never accept.
    case takenWithout([RefusedPart])
    /// The destination cannot accept it now; it may name a delay.
    case later(String, after: Duration?)
    /// The request is too large for the destination.
    case tooLarge(String)
    /// The destination will never accept it.
    case refused(String)
    /// The collector is stopping; the outcome is unknown.
    case cancelled

    /// The destination accepted all of it.
    public static var taken: SendOutcome { .taken(rejected: 0, message: "") }
}

/// A part of a request that the destination will never accept.
public struct RefusedPart: Sendable, Hashable {
    /// The part as a request of its own.
    public var request: OutgoingRequest
    /// The number of its records.
    public var records: Int
    /// The destination's message.
    public var reason: String

    /// Creates a refused part.
    public init(_ request: OutgoingRequest, records: Int, reason: String) {
        (self.request, self.records, self.reason) = (request, records, reason)
    }
}
