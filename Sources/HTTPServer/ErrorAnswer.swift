// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import HTTPTypes
import JSON
import NIOCore
import NIOHTTP1
import OTLP

/// An error of the listener itself, in the form that the clients of a path expect.
package struct ErrorAnswer {
    let form: FailureForm
    let isProtobuf: Bool

    /// The answer to a request.
    ///
    /// - Parameter route: A route of the path. Without one, a POST to any path outside of the API is treated as OTLP.
    package init(_ request: HTTPRequest, route: Route? = nil) {
        isProtobuf = Self.isProtobuf(request.headerFields[.contentType])
        let path = request.path ?? ""
        let isPost = route == nil && request.method == .post && !path.hasPrefix("/api/")
        form = route?.failureForm == .status || path.hasPrefix("/v1/") || isPost ? .status : .object
    }

    /// The answer to bytes that are not a request; the format that the sender reads is unknown.
    init() {
        form = .status
        isProtobuf = false
    }

    /// - Parameter code: The kind of error; nil for the default of the status.
    package func response(
        _ status: HTTPResponse.Status,
        _ message: String,
        _ fields: HTTPFields = [:],
        because code: IntakeProblem.Code? = nil
    ) -> ServerResponse {
        var response = plainResponse(status, message, fields)
        response.rejection = Rejection(code ?? IntakeProblem.Code(status: status.code), message)
        return response
    }

    /// The answer to a request that is not accepted.
    func response(_ error: RequestError) -> ServerResponse {
        response(error.status, error.message, error.fields, because: error.code)
    }

    private func plainResponse(_ status: HTTPResponse.Status, _ message: String, _ fields: HTTPFields) -> ServerResponse
    {
        var fields = fields
        guard form == .status else {
            fields[.contentType] = "application/json"
            let text = "{\"error\":\(message.jsonString),\"status\":\(status.code)}"
            return ServerResponse(status, fields, body: .bytes(Array(text.utf8)))
        }
        fields[.contentType] = isProtobuf ? "application/x-protobuf" : "application/json"
        let body = RPCStatus.body(code: Self.code(status), message: message, json: !isProtobuf)
        return ServerResponse(status, fields, body: .bytes(body))
    }

    /// The code of google.rpc.Code for a status.
    private static func code(_ status: HTTPResponse.Status) -> Int32 {
        switch status {
        case .notFound: 5
        case .methodNotAllowed, .notImplemented, .httpVersionNotSupported: 12
        case .requestTimeout: 4
        case .unauthorized: 16
        case .forbidden, .misdirectedRequest: 7
        case .serviceUnavailable: 14
        case .internalServerError: 13
        default: 3
        }
    }

    private static func isProtobuf(_ contentType: String?) -> Bool {
        contentType?.prefix { $0 != ";" && $0 != " " }.lowercased() == "application/x-protobuf"
    }
}

/// Why a request, or bytes that are not a request, is answered without a route.
struct RequestError: Error {
    let code: IntakeProblem.Code
    let status: HTTPResponse.Status
    let message: String
    let fields: HTTPFields
    /// The delay of the answer.
    let delay: TimeAmount

    init(
        _ status: HTTPResponse.Status,
        _ message: String,
        _ fields: HTTPFields = [:],
        code: IntakeProblem.Code = .malformedRequest,
        delay: TimeAmount = .zero
    ) {
        (self.code, self.status, self.message, self.fields, self.delay) = (code, status, message, fields, delay)
    }

    /// The error of the parser.
    init(_ error: HTTPParserError) {
        switch error {
        case .headerOverflow:
            self.init(
                .requestHeaderFieldsTooLarge,
                "the head of the request is too long or has too many fields",
                code: .headTooLarge
            )
        case .invalidVersion: self.init(.httpVersionNotSupported, "only HTTP/1.1 and HTTP/1.0 are supported")
        case .invalidEOFState: self.init(.badRequest, "the request was cut off")
        default: self.init(.badRequest, "this is no HTTP request: \(error)")
        }
    }

    static func badRequest(_ message: String) -> Self { Self(.badRequest, message) }

    static func noMemory(retryAfter seconds: Int) -> Self {
        Self(
            .serviceUnavailable,
            "too much is being taken in at the moment; send it again later",
            [.retryAfter: "\(seconds)"],
            code: .noMemory
        )
    }

    static let beyondMemory = Self(
        .contentTooLarge,
        "the body has more bytes than service.memory_limit allows at all; send smaller batches",
        code: .tooLarge
    )
    static let rpcOverHTTP1 = Self(
        .httpVersionNotSupported,
        "gRPC needs HTTP/2; a proxy on the way may have changed the protocol"
    )
    static let slowHead = Self(.requestTimeout, "the head of the request took too long", code: .tooSlow)
    static let slowBody = Self(.requestTimeout, "the body of the request took too long", code: .tooSlow)
    static let tooManyConnections = Self(
        .serviceUnavailable,
        "too many connections are open; use fewer, or keep them open",
        [.retryAfter: "1"],
        code: .tooManyConnections
    )
}
