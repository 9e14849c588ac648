// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import HTTPTypes
import JSON
import OTLP

/// A failure that the listener itself reports, in the form that the clients of a path expect.
package struct ErrorAnswer {
    let form: FailureForm
    let isProtobuf: Bool

    /// The answer to a request.
    ///
    /// - Parameter route: One that its path has. Without any, what is posted anywhere but to the API is taken for OTLP.
    package init(_ request: HTTPRequest, route: Route? = nil) {
        isProtobuf = Self.isProtobuf(request.headerFields[.contentType])
        let path = request.path ?? ""
        let isPost = route == nil && request.method == .post && !path.hasPrefix("/api/")
        form = route?.failureForm == .status || path.hasPrefix("/v1/") || isPost ? .status : .object
    }

    /// The answer to what is no request: nobody knows what its sender reads.
    init() {
        form = .status
        isProtobuf = false
    }

    /// - Parameter code: The kind of failure; nil for the usual one of the status.
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
