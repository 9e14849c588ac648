// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK

/// An HTTP/2 connection that sends and receives single frames.
public final class RawHTTP2 {
    /// A frame as on the wire (RFC 9113 §4.1).
    public struct Frame: Sendable {
        /// The types of frames in use.
        public static let data: UInt8 = 0, headers: UInt8 = 1, reset: UInt8 = 3, settings: UInt8 = 4, ping: UInt8 = 6
        /// The end of a connection, and the rest of a head.
        public static let goAway: UInt8 = 7, continuation: UInt8 = 9

        /// Its type.
        public let type: UInt8
        /// Its flags; 1 ends a stream, 4 a head.
        public let flags: UInt8
        /// Its stream; 0 for the connection.
        public let stream: UInt32
        /// What it carries.
        public let payload: [UInt8]

        /// Creates a frame.
        public init(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
            (self.type, self.flags, self.stream, self.payload) = (type, flags, stream, payload)
        }

        /// The frame as bytes.
        public var bytes: [UInt8] {
            var bytes = [16, 8, 0].map { UInt8(payload.count >> $0 & 255) }
            bytes += [type, flags]
            bytes += [24, 16, 8, 0].map { UInt8(stream >> UInt32($0) & 255) }
            return bytes + payload
        }
    }

    /// An answer on one stream.
    public struct Answer: Sendable {
        /// The fields of the first head, `:status` among them.
        public var fields: [String: String] = [:]
        /// The fields after the body.
        public var trailers: [String: String] = [:]
        /// The body.
        public var body: [UInt8] = []
        /// The code of a reset that ended the stream before its answer, or followed it.
        public var reset: UInt32?
    }

    /// The start of a connection: the preface and the client's settings.
    public static let opening = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Frame(Frame.settings).bytes

    /// The TCP connection.
    public let connection: RawConnection
    private var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    private var answers: [UInt32: Answer] = [:]
    /// The received frames of the connection as a whole.
    public private(set) var frames: [Frame] = []

    /// Uses a connection, whose owner sends the opening.
    public init(_ connection: RawConnection) { self.connection = connection }

    /// A head with literal fields (RFC 7541 §6.2.2).
    public static func head(_ fields: [(String, String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes += [0, UInt8(name.utf8.count)]
            bytes += Array(name.utf8)
            bytes.append(UInt8(value.utf8.count))
            bytes += Array(value.utf8)
        }
        return bytes
    }

    /// A POST request as bytes.
    public static func post(
        _ path: String,
        on stream: UInt32,
        _ more: [(String, String)] = [],
        body: [UInt8],
        ends: Bool = true
    ) -> [UInt8] {
        let fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost")] + more
        return Frame(Frame.headers, flags: 4, stream: stream, head(fields)).bytes
            + Frame(Frame.data, flags: ends ? 1 : 0, stream: stream, body).bytes
    }

    /// A gRPC call as bytes.
    public static func call(_ path: String, on stream: UInt32, _ more: [(String, String)] = [], body: [UInt8])
        -> [UInt8]
    {
        post(path, on: stream, [("content-type", "application/grpc"), ("te", "trailers")] + more, body: body)
    }

    /// The next frame.
    public func next() async throws -> Frame {
        let head = try await connection.bytes(9)
        let count = head[0..<3].reduce(0) { $0 << 8 | Int($1) }
        let stream = head[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Frame(head[3], flags: head[4], stream: stream, try await connection.bytes(count))
    }

    /// The answer on a stream, once it has ended.
    public func answer(on stream: UInt32) async throws -> Answer {
        while true {
            let frame = try await next()
            guard frame.stream > 0 else {
                frames.append(frame)
                continue
            }
            var answer = answers[frame.stream] ?? Answer()
            var ends = frame.flags & 1 > 0
            switch frame.type {
            case Frame.headers:
                var buffer = ByteBuffer(bytes: frame.payload)
                let fields = try decoder.decodeHeaders(from: &buffer).map { ($0.name, $0.value) }
                if answer.fields.isEmpty {
                    answer.fields = Dictionary(fields) { $1 }
                } else {
                    answer.trailers = Dictionary(fields) { $1 }
                }
            case Frame.data: answer.body += frame.payload
            case Frame.reset:
                answer.reset = frame.payload.reduce(0) { $0 << 8 | UInt32($1) }
                ends = true
            default: ends = false
            }
            answers[frame.stream] = answer
            if ends, frame.stream == stream { return answer }
        }
    }
}
