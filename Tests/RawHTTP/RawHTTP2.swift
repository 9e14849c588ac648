// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK

/// A connection of HTTP/2 whose frames are written and read by hand.
public final class RawHTTP2 {
    /// A frame as it is on the wire (RFC 9113 §4.1).
    public struct Frame: Sendable {
        /// The kinds that are used.
        public static let data: UInt8 = 0, headers: UInt8 = 1, reset: UInt8 = 3, settings: UInt8 = 4, ping: UInt8 = 6
        /// The end of a connection, and the rest of a head.
        public static let goAway: UInt8 = 7, continuation: UInt8 = 9
        /// More room for what is sent.
        public static let windowUpdate: UInt8 = 8

        /// Which kind it is.
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
        /// How many frames it had.
        public var frames = 0
        /// The code of a reset that ended the stream before its answer, or followed it.
        public var reset: UInt32?

        /// A field that says how a call ended: after its answer, or in the only head of one that failed.
        public func status(_ name: String) -> String? { trailers[name] ?? fields[name] }
    }

    /// What opens a connection: the preface and the client's settings.
    public static let opening = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Frame(Frame.settings).bytes

    /// The bytes under it.
    public let connection: RawConnection
    private var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    private var answers: [UInt32: Answer] = [:]
    /// Streams whose answer has ended while another one was waited for.
    private var ended: Set<UInt32> = []
    /// What has come for the connection as a whole.
    public private(set) var frames: [Frame] = []

    /// Speaks over a connection; the opening is sent by its owner.
    public init(_ connection: RawConnection) { self.connection = connection }

    /// A head with fields that are all written out (RFC 7541 §6.2.2).
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

    /// A request with POST, as bytes.
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

    /// A call of gRPC, as bytes.
    public static func call(
        _ path: String,
        on stream: UInt32,
        _ more: [(String, String)] = [],
        body: [UInt8],
        ends: Bool = true
    ) -> [UInt8] {
        let fields = [("content-type", "application/grpc"), ("te", "trailers")] + more
        return post(path, on: stream, fields, body: body, ends: ends)
    }

    /// Makes a call whose message may be larger than a frame and what the server lets come at once, and returns its answer.
    ///
    /// Calls on one connection have rising odd numbers of streams and follow each other.
    public func answer(to path: String, on stream: UInt32, body: [UInt8]) async throws -> Answer {
        try await connection.send(Self.call(path, on: stream, body: [], ends: false))
        var (place, room) = (0, initialWindow)
        while place < body.count {
            let size = min(16_384, body.count - place, window, room)
            guard size > 0 else {
                let frame = try await next()
                if frame.type == Frame.windowUpdate, frame.stream == stream {
                    room += frame.payload.reduce(0) { $0 << 8 | Int($1) }
                } else if frame.stream == stream {
                    // It is answered before it is whole.
                    throw ConnectionFailure.closed
                }
                continue
            }
            (place, window, room) = (place + size, window - size, room - size)
            let piece = Array(body[place - size..<place])
            let frame = Frame(Frame.data, flags: place == body.count ? 1 : 0, stream: stream, piece)
            try await connection.send(frame.bytes)
        }
        return try await answer(on: stream)
    }

    /// How much may be sent now on the connection, and on each new stream.
    private var window = 65_535
    private var initialWindow = 65_535

    /// Notes what the server lets come, and confirms what it asks to.
    private func note(_ frame: Frame) async throws {
        switch frame.type {
        case Frame.windowUpdate where frame.stream == 0: window += frame.payload.reduce(0) { $0 << 8 | Int($1) }
        case Frame.settings where frame.flags & 1 == 0:
            for start in stride(from: 0, to: frame.payload.count - 5, by: 6)
            where frame.payload[start] == 0 && frame.payload[start + 1] == 4 {
                initialWindow = frame.payload[start + 2..<start + 6].reduce(0) { $0 << 8 | Int($1) }
            }
        case Frame.ping where frame.flags & 1 == 0:
            try await connection.send(Frame(Frame.ping, flags: 1, frame.payload).bytes)
        default: break
        }
    }

    /// The next frame.
    public func next() async throws -> Frame {
        let head = try await connection.bytes(9)
        let count = head[0..<3].reduce(0) { $0 << 8 | Int($1) }
        let stream = head[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let frame = Frame(head[3], flags: head[4], stream: stream, try await connection.bytes(count))
        try await note(frame)
        return frame
    }

    /// The answer on a stream, once it has ended.
    public func answer(on stream: UInt32) async throws -> Answer {
        if ended.remove(stream) != nil, let answer = answers[stream] { return answer }
        while true {
            let frame = try await next()
            guard frame.stream > 0 else {
                frames.append(frame)
                continue
            }
            var answer = answers[frame.stream] ?? Answer()
            answer.frames += 1
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
            if ends { ended.insert(frame.stream) }
        }
    }
}
