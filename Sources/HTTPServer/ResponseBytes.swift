// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore

/// Writes answers as HTTP/1.1 has them.
enum ResponseBytes {
    /// How the end of a body is told.
    enum Framing {
        /// All of it is here.
        case whole([UInt8])
        /// A request for the head alone: the length is told, the body is not.
        case headOnly(length: Int?)
        /// Pieces follow, each with its length.
        case chunked
        /// Pieces follow until the connection ends, for clients of HTTP/1.0.
        case untilClose
    }

    /// Tells a client that waits for it that its body is welcome.
    static let goOn = "HTTP/1.1 100 Continue\r\n\r\n"
    /// Ends a body in chunks.
    static let lastChunk = "0\r\n\r\n"

    /// The head of an answer, with the body if it is whole.
    static func answer(_ head: HTTPResponse, _ framing: Framing, connection: String?, in buffer: inout ByteBuffer) {
        buffer.writeString("HTTP/1.1 ")
        buffer.writeString(String(head.status.code))
        buffer.writeString(" ")
        buffer.writeString(head.status.reasonPhrase)
        for field in head.headerFields where !isFraming(field.name) {
            buffer.writeString("\r\n")
            buffer.writeString(field.name.rawName)
            buffer.writeString(": ")
            buffer.writeString(field.value)
        }
        if let connection {
            buffer.writeString("\r\nConnection: ")
            buffer.writeString(connection)
        }
        switch framing {
        case .whole(let bytes):
            writeLength(bytes.count, head.status, in: &buffer)
            if mayHaveBody(head.status) { buffer.writeBytes(bytes) }
        case .headOnly(let length?): writeLength(length, head.status, in: &buffer)
        case .headOnly(nil), .untilClose: buffer.writeString("\r\n\r\n")
        case .chunked: buffer.writeString("\r\nTransfer-Encoding: chunked\r\n\r\n")
        }
    }

    /// A piece of a body in chunks.
    static func chunk(_ bytes: [UInt8], in buffer: inout ByteBuffer) {
        buffer.writeString(String(bytes.count, radix: 16, uppercase: true))
        buffer.writeString("\r\n")
        buffer.writeBytes(bytes)
        buffer.writeString("\r\n")
    }

    private static func writeLength(_ length: Int, _ status: HTTPResponse.Status, in buffer: inout ByteBuffer) {
        if mayHaveBody(status) {
            buffer.writeString("\r\nContent-Length: ")
            buffer.writeString(String(length))
        }
        buffer.writeString("\r\n\r\n")
    }

    /// RFC 9110 §8.6: these have neither a body nor a length.
    private static func mayHaveBody(_ status: HTTPResponse.Status) -> Bool {
        status.code >= 200 && status != .noContent && status != .notModified
    }

    /// What the connection alone decides.
    private static func isFraming(_ name: HTTPField.Name) -> Bool {
        name == .connection || name == .contentLength || name == .transferEncoding
    }
}
