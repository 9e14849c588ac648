// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// A request in protobuf, in pieces that lie in different places until it is sent.
public struct OutgoingRequest: Sendable {
    /// The pieces in their order.
    public internal(set) var pieces: [ArraySlice<UInt8>]

    /// Through how many collectors its records have come; the destination is told one more, so that a circle of collectors ends.
    public let hops: Int

    init(pieces: [ArraySlice<UInt8>], hops: Int) { (self.pieces, self.hops) = (pieces, hops) }

    /// A request of one piece.
    public init(_ bytes: [UInt8], hops: Int = 0) { (pieces, self.hops) = ([bytes[...]], hops) }

    /// How many bytes it has.
    public var size: Int { pieces.reduce(0) { $0 + $1.count } }

    /// All of it in one place.
    public var bytes: [UInt8] {
        if pieces.count == 1, pieces[0].startIndex == 0 { return Array(pieces[0]) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for piece in pieces { bytes.append(contentsOf: piece) }
        return bytes
    }
}

/// What became of a request that was sent.
public enum SendOutcome: Sendable, Hashable {
    /// The destination has it, but for some records that it rejected; with its remark, empty for none.
    case taken(rejected: Int, message: String)
    /// The destination cannot take it now; it may ask for a time.
    case later(String, after: Duration?)
    /// The destination takes no request of this size.
    case tooLarge(String)
    /// The destination will never take it.
    case refused(String)
    /// The collector stops, so that the outcome is not known.
    case cancelled

    /// The destination has all of it.
    public static var taken: SendOutcome { .taken(rejected: 0, message: "") }
}
