// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import CollectorKit
import HTTPTypes

/// The description of the API for programs (OpenAPI 3.1), compiled in from `openapi.json`.
enum OpenAPIDocument {
    /// The answer that carries it.
    static var response: ServerResponse {
        let bytes = UnsafeBufferPointer(start: hammurabi_openapi(), count: hammurabi_openapi_length())
        return ServerResponse(
            .ok,
            [.contentType: "application/json", .cacheControl: "public, max-age=300"],
            body: .bytes(Array(bytes))
        )
    }
}
