// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes

/// Why events are refused, as their sender will read it.
struct EventsError: Error {
    let status: HTTPResponse.Status
    let message: String
    var fields: HTTPFields = [:]
    /// The kind of problem; nil for the default of the status.
    var problem: IntakeProblem.Code?

    /// The data will never be accepted.
    static func invalid(_ message: String) -> EventsError { EventsError(status: .badRequest, message: message) }

    static let noPipeline = EventsError(
        status: .serviceUnavailable,
        message: "events lead nowhere; add this receiver to a logs pipeline of the configuration",
        fields: [.retryAfter: "30"],
        problem: .noPipeline
    )

    static let unsupportedType = EventsError(
        status: .unsupportedMediaType,
        message: "the Content-Type must be application/json",
        fields: [.accept: "application/json"]
    )

    static let unsupportedCoding = EventsError(
        status: .unsupportedMediaType,
        message: "the Content-Encoding must be gzip, deflate, zstd or identity",
        fields: [.acceptEncoding: "gzip, deflate, zstd"],
        problem: .unsupportedCoding
    )

    /// The rest of the body is not read, so the connection cannot be reused.
    static func tooLarge(_ limit: Int) -> EventsError {
        EventsError(
            status: .contentTooLarge,
            message: "the body has more than \(limit) bytes; send fewer events at once or raise max_request_body_size",
            fields: [.connection: "close"]
        )
    }

    static let noMemory = EventsError(
        status: .serviceUnavailable,
        message: "too much is being taken in at the moment; send it again later",
        fields: [.retryAfter: "1"],
        problem: .noMemory
    )

    static let beyondMemory = EventsError(
        status: .contentTooLarge,
        message: "the body needs more memory than service.memory_limit allows at all; send fewer events at once"
    )

    static let interrupted = EventsError(
        status: .badRequest,
        message: "the body was cut off",
        fields: [.connection: "close"],
        problem: .incompleteBody
    )
}

extension EventsError {
    /// An error of the pipeline: a permanent one is in the data, any other may pass.
    init(_ error: ConsumeError) {
        guard error.isRetryable else {
            self = error.isTooLarge ? Self(status: .contentTooLarge, message: error.message) : .invalid(error.message)
            return
        }
        let seconds = min(max(1, error.retryAfter), 30)
        self.init(status: .serviceUnavailable, message: error.message, fields: [.retryAfter: "\(seconds)"])
    }
}
