// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import OTLP

/// Why a request is refused, as its sender will read it.
struct Refusal: Error {
    let status: HTTPResponse.Status
    let code: Code
    let message: String
    var fields: HTTPFields = [:]
    /// The kind of problem; nil for the default of the status.
    var problem: IntakeProblem.Code?

    /// The codes of google.rpc.Code that are used.
    enum Code: Int32 {
        case invalidArgument = 3
        case notFound = 5
        case resourceExhausted = 8
        case unavailable = 14
    }
}

extension Refusal {
    /// An error of the pipeline: a permanent one is in the data, any other may pass.
    init(_ error: ConsumeError) {
        if error.isRetryable {
            self = .unavailable(error.message, after: error.retryAfter)
        } else if error.isTooLarge {
            self.init(status: .contentTooLarge, code: .resourceExhausted, message: error.message)
        } else {
            self = .invalid(error.message)
        }
    }

    /// The data will never be accepted.
    static func invalid(_ message: String) -> Refusal {
        Refusal(status: .badRequest, code: .invalidArgument, message: message)
    }

    /// The data may be accepted in some seconds; the delay is never longer than senders keep their data.
    static func unavailable(_ message: String, after seconds: Int) -> Refusal {
        let seconds = min(max(1, seconds), 30)
        return Refusal(
            status: .serviceUnavailable,
            code: .unavailable,
            message: message,
            fields: [.retryAfter: "\(seconds)"]
        )
    }

    static func noPipeline(_ signal: Signal) -> Refusal {
        Refusal(
            status: .notFound,
            code: .notFound,
            message: "no pipeline for \(signal) is configured",
            problem: .noPipeline
        )
    }

    static let unsupportedType = Refusal(
        status: .unsupportedMediaType,
        code: .invalidArgument,
        message: "the Content-Type must be application/x-protobuf or application/json",
        fields: [.accept: BodyEncoding.allCases.map(\.rawValue).joined(separator: ", ")]
    )

    static func unsupportedCoding(_ field: String, _ codings: Set<ContentCoding>) -> Refusal {
        let names = ContentCoding.allCases.filter(codings.contains).map(\.rawValue)
        let compressed = names.filter { $0 != ContentCoding.identity.rawValue }
        let choice = [names.dropLast().joined(separator: ", "), names.last ?? ""].filter { !$0.isEmpty }
        return Refusal(
            status: .unsupportedMediaType,
            code: .invalidArgument,
            message: "the \(field) must be \(choice.joined(separator: " or "))",
            fields: [.acceptEncoding: compressed.isEmpty ? "identity" : compressed.joined(separator: ", ")],
            problem: .unsupportedCoding
        )
    }

    /// The body of a gRPC call is not one message, which the gRPC specification answers with INTERNAL.
    static func malformedCall(_ reason: String) -> Refusal {
        Refusal(
            status: .badRequest,
            code: .invalidArgument,
            message: reason,
            fields: [.grpcStatus: "\(GRPC.Code.internal.rawValue)"]
        )
    }

    static let unsupportedCall = Refusal(
        status: .unsupportedMediaType,
        code: .invalidArgument,
        message: "the Content-Type must be application/grpc or application/grpc+proto"
    )

    /// What is left of the body is not worth reading, so the connection cannot be used again.
    static func tooLarge(_ subject: String, _ limit: Int, _ key: String) -> Refusal {
        Refusal(
            status: .contentTooLarge,
            code: .invalidArgument,
            message: "\(subject) has more than \(limit) bytes; send smaller batches or raise \(key)",
            fields: [.connection: "close"]
        )
    }

    /// The whole request is refused before it reaches the pipeline.
    static func tooManyRecords(_ limit: Int) -> Refusal {
        Refusal(
            status: .contentTooLarge,
            code: .resourceExhausted,
            message: "the request has more than \(limit) records; send smaller batches or raise max_request_records"
        )
    }

    /// There is no memory for the decoded request, now or at any time.
    static func noMemory(_ memory: (any MemoryAllowance)?) -> Refusal {
        if memory?.isBeyondLimit == true {
            return Refusal(
                status: .contentTooLarge,
                code: .resourceExhausted,
                message: "the request needs more memory than service.memory_limit allows at all; send smaller batches"
            )
        }
        var refusal = unavailable("too much is being taken in at the moment; send it again later", after: 1)
        refusal.problem = .noMemory
        return refusal
    }

    static let interrupted = Refusal(
        status: .badRequest,
        code: .invalidArgument,
        message: "the body was cut off",
        fields: [.connection: "close"],
        problem: .incompleteBody
    )
}

extension ServerResponse {
    /// The answer to a refused request.
    init(_ refusal: Refusal, encoding: BodyEncoding) {
        let body = RPCStatus.body(code: refusal.code.rawValue, message: refusal.message, json: encoding == .json)
        self.init(refusal.status, refusal.fields, body: .bytes(body))
        head.headerFields[.contentType] = encoding.rawValue
        rejection = Rejection(refusal.problem ?? IntakeProblem.Code(status: refusal.status.code), refusal.message)
    }

    /// The answer to an accepted request, with the number of rejected records.
    init(accepting otlp: OTLPBatch, encoding: BodyEncoding) {
        let body = ExportResponse.body(
            signal: otlp.signal,
            rejected: otlp.rejected,
            message: otlp.rejected > 0 ? otlp.rejectionReason ?? "malformed records" : "",
            json: encoding == .json
        )
        self.init(.ok, [.contentType: encoding.rawValue], body: .bytes(body))
    }
}
