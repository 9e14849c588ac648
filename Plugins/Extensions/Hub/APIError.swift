// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import HubAPI
import JSON

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
    /// An answer in JSON that no cache may keep.
    init(json document: some Encodable, status: HTTPResponse.Status = .ok) throws {
        let bytes = try OrderedJSONEncoder.bytes(of: document)
        self.init(status, Self.fields, body: .bytes(bytes))
    }

    private static var fields: HTTPFields { [.contentType: "application/json", .cacheControl: "no-store"] }

    /// Says why there is no answer.
    init(_ error: APIError) {
        // A text and a number can always be written.
        let document = ErrorDocument(error: error.message, status: error.status.code)
        let bytes = (try? OrderedJSONEncoder.bytes(of: document)) ?? []
        self.init(error.status, Self.fields, body: .bytes(bytes))
        // What the store cannot answer now it can in a moment.
        if error.status == .serviceUnavailable { head.headerFields[.retryAfter] = "1" }
    }
}
