// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes

/// A question that gets no answer, and why.
struct APIError: Error {
    let status: HTTPResponse.Status
    let message: String

    init(_ status: HTTPResponse.Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The question cannot be understood; the message says what is allowed.
    static func invalid(_ message: String) -> APIError { APIError(.badRequest, message) }
}

extension ServerResponse {
    /// An answer in JSON that nobody may keep.
    init(json: JSONValue, status: HTTPResponse.Status = .ok) {
        self.init(status, [.contentType: "application/json", .cacheControl: "no-store"], body: .bytes(json.bytes))
    }

    /// Says why there is no answer.
    init(_ error: APIError) {
        self.init(
            json: ["error": .string(error.message), "status": .integer(Int64(error.status.code))],
            status: error.status
        )
        // What the store cannot answer now it can in a moment.
        if error.status == .serviceUnavailable { head.headerFields[.retryAfter] = "1" }
    }
}
