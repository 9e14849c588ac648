// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A request in protobuf, in pieces that lie in different places until it is sent.
struct OutgoingRequest: Sendable {
    var pieces: [ArraySlice<UInt8>]

    init(pieces: [ArraySlice<UInt8>]) { self.pieces = pieces }

    init(_ bytes: [UInt8]) { pieces = [bytes[...]] }

    /// How many bytes it has.
    var size: Int { pieces.reduce(0) { $0 + $1.count } }

    /// All of it in one place.
    var bytes: [UInt8] {
        if pieces.count == 1, pieces[0].startIndex == 0 { return Array(pieces[0]) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for piece in pieces { bytes.append(contentsOf: piece) }
        return bytes
    }

    /// All of it as the network library takes it.
    var buffer: ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: size)
        for piece in pieces { buffer.writeBytes(piece) }
        return buffer
    }
}
