// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOHTTP1

extension RequestHead {
    /// Why bytes are not taken for a request; the connection ends with the answer that says so.
    struct Refusal: Error {
        let status: HTTPResponse.Status
        let message: String
        let fields: HTTPFields
        let code: IntakeProblem.Code

        init(
            _ status: HTTPResponse.Status,
            _ message: String,
            _ fields: HTTPFields = [:],
            code: IntakeProblem.Code = .malformedRequest
        ) {
            self.code = code
            self.status = status
            self.message = message
            self.fields = fields
        }
    }
}

extension RequestHead.Refusal {
    /// What the parser found.
    init(_ error: HTTPParserError) {
        switch error {
        case .headerOverflow:
            self.init(
                .requestHeaderFieldsTooLarge,
                "the head of the request is too long or has too many fields",
                code: .headTooLarge
            )
        case .invalidVersion: self.init(.httpVersionNotSupported, "only HTTP/1.1 and HTTP/1.0 are spoken here")
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
    static let slowHead = Self(.requestTimeout, "the head of the request took too long", code: .tooSlow)
    static let slowBody = Self(.requestTimeout, "the body of the request took too long", code: .tooSlow)
    static let tooManyConnections = Self(
        .serviceUnavailable,
        "too many connections are open; use fewer, or keep them open",
        [.retryAfter: "1"],
        code: .tooManyConnections
    )
}
