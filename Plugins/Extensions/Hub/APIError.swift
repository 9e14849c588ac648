// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import HubAPI
import JSON

/// A request that is not answered, with the reason.
struct APIError: Error {
    let status: HTTPResponse.Status
    let message: String

    init(_ status: HTTPResponse.Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// An invalid request; the message says what is valid.
    static func invalid(_ message: String) -> APIError { APIError(.badRequest, message) }
}

extension ServerResponse {
    /// A JSON answer that must not be cached.
    init(json document: some Encodable, status: HTTPResponse.Status = .ok) throws {
        let bytes = try OrderedJSONEncoder.bytes(of: document)
        self.init(status, Self.fields, body: .bytes(bytes))
    }

    private static var fields: HTTPFields { [.contentType: "application/json", .cacheControl: "no-store"] }

    /// The answer to a failed request.
    init(_ error: APIError) {
        // Encoding a text and a number cannot fail.
        let document = ErrorDocument(error: error.message, status: error.status.code)
        let bytes = (try? OrderedJSONEncoder.bytes(of: document)) ?? []
        self.init(error.status, Self.fields, body: .bytes(bytes))
        // The store may be able to answer in a moment.
        if error.status == .serviceUnavailable { head.headerFields[.retryAfter] = "1" }
    }
}
