// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
import OTLP

/// Translates unary gRPC calls to HTTP/2 requests and answers.
///
/// The route of a call reads and answers it like any request: the listener translates the answer to gRPC when it writes it, so that keys,
/// limits and errors are the same for both. Source: the specification "gRPC over HTTP2" (grpc/grpc: doc/PROTOCOL-HTTP2.md).
public enum GRPC {
    /// The codes of google.rpc.Code in answers.
    public enum Code: Int32, Sendable {
        /// The call succeeded.
        case ok = 0
        /// No details are known.
        case unknown = 2
        /// The call will never succeed.
        case invalidArgument = 3
        /// The call did not arrive in time.
        case deadlineExceeded = 4
        /// The called resource does not exist.
        case notFound = 5
        /// The key does not allow it.
        case permissionDenied = 7
        /// The call is larger than is allowed.
        case resourceExhausted = 8
        /// The service, the method or the compression is not supported.
        case unimplemented = 12
        /// The frame is malformed, or the program failed.
        case `internal` = 13
        /// The call may succeed later.
        case unavailable = 14
        /// There is no key, or an unknown one.
        case unauthenticated = 16

        /// The code that corresponds to an HTTP status.
        public init(_ status: HTTPResponse.Status) {
            self =
                switch status.code {
                case 200..<300: .ok
                case 401: .unauthenticated
                case 403, 421: .permissionDenied
                case 404, 405, 415, 501: .unimplemented
                case 408: .deadlineExceeded
                case 413, 431: .resourceExhausted
                case 429, 502, 503, 504: .unavailable
                case 400..<500: .invalidArgument
                case 500: .internal
                default: .unknown
                }
        }
    }

    /// Whether a request is a gRPC call, by its content type.
    public static func isCall(_ request: HTTPRequest) -> Bool {
        request.headerFields[.contentType].map { isCall(contentType: $0) } ?? false
    }

    /// Whether a request with this content type is a gRPC call.
    public static func isCall(contentType type: String) -> Bool {
        type.hasPrefix(contentType) && [nil, ";", "+"].contains(type.dropFirst(contentType.count).first)
    }

    /// The content type of calls and answers.
    public static let contentType = "application/grpc"

    /// Why a body is not the message of a unary call.
    public enum FrameError: Error, Sendable, Equatable {
        /// The body has no message, more than one, or part of one.
        case malformed(String)
    }

    /// The length of a message's prefix: a flag, and the length in four bytes.
    public static let prefixLength = 5

    /// Returns the only message in the body of a call.
    ///
    /// - Throws: ``FrameError`` unless the body is exactly one message.
    public static func message(in body: consuming [UInt8]) throws(FrameError) -> (bytes: [UInt8], isCompressed: Bool) {
        guard body.count >= prefixLength else { throw .malformed("the call has no whole message") }
        let (flag, length) = (body[0], body[1..<prefixLength].reduce(0) { $0 << 8 | Int($1) })
        guard flag <= 1 else { throw .malformed("the flag of the message is \(flag), not 0 or 1") }
        let rest = body.count - prefixLength
        guard length == rest else {
            throw .malformed("the message states \(length) bytes, and \(rest) have come; a call has one message")
        }
        body.removeFirst(prefixLength)
        return (body, flag == 1)
    }

    /// A message with its prefix.
    public static func frame(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(clamping: message.count)
        return [0] + stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: length >> UInt32($0)) }
            + message
    }

    /// The answer to a call, from the answer to a request: status, message and delay become trailers.
    ///
    /// A field `grpc-status` of the answer goes before what its HTTP status means. One that says of a call that it failed has no body,
    /// and all of it is in the head.
    public static func answer(_ response: ServerResponse) -> ServerResponse {
        let stated = response.head.headerFields[.grpcStatus].flatMap { Int32($0) }.flatMap { Code(rawValue: $0) }
        let code = stated ?? Code(response.head.status)
        var fields = response.head.headerFields
        for name in [.contentType, .grpcStatus, .retryAfter, .accept, .acceptEncoding, .allow] as [HTTPField.Name] {
            fields[name] = nil
        }
        fields[.contentType] = contentType
        if fields[.grpcAcceptEncoding] == nil { fields[.grpcAcceptEncoding] = names(of: ContentCoding.allCases) }
        guard code != .ok else {
            guard case .bytes(let bytes) = response.body else {
                return answer(
                    ServerResponse(.internalServerError, [.grpcMessage: "no answer of a call comes in pieces"])
                )
            }
            var answer = ServerResponse(.ok, fields, body: .bytes(frame(bytes)))
            answer.trailers = [.grpcStatus: "0"]
            return answer
        }
        let message = response.rejection?.reason ?? response.head.status.reasonPhrase
        fields[.grpcStatus] = "\(code.rawValue)"
        fields[.grpcMessage] = encoded(message)
        // Only a delay makes RESOURCE_EXHAUSTED worth another try (OTLP: "OTLP/gRPC Throttling").
        if let delay = response.head.headerFields[.retryAfter].flatMap({ Int64($0) }) {
            let status = RPCStatus.body(code: code.rawValue, message: message, retryAfter: delay)
            fields[.grpcStatusDetails] = base64(status)
        }
        var answer = ServerResponse(.ok, fields)
        answer.trailers = [:]
        answer.rejection = response.rejection
        return answer
    }

    /// Codings as a field `grpc-accept-encoding` lists them.
    public static func names(of codings: some Collection<ContentCoding>) -> String {
        let compressions = ContentCoding.allCases.filter { $0 != .identity && codings.contains($0) }
        return ([ContentCoding.identity] + compressions).map(\.rawValue).joined(separator: ",")
    }

    /// A message as a field can hold it: every byte but the printable ones of ASCII, and the percent sign, is written as `%XX`.
    static func encoded(_ message: String) -> String {
        var text = ""
        for byte in message.prefix(1_024).utf8 {
            if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return text
    }

    /// Base64 without padding, the form of binary fields.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".unicodeScalars)
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0...group.count {
                text.unicodeScalars.append(alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)])
            }
        }
        return text
    }
}

extension HTTPField.Name {
    /// The code of an answer.
    public static let grpcStatus = Self("grpc-status") ?? .contentType
    /// The description of the code for this call.
    public static let grpcMessage = Self("grpc-message") ?? .contentType
    /// google.rpc.Status in base64.
    public static let grpcStatusDetails = Self("grpc-status-details-bin") ?? .contentType
    /// The compression of the messages.
    public static let grpcEncoding = Self("grpc-encoding") ?? .contentType
    /// The supported compressions.
    public static let grpcAcceptEncoding = Self("grpc-accept-encoding") ?? .contentType
}
