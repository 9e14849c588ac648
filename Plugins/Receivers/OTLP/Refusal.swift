// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import OTLP

/// Why a request is not taken, as its sender will read it.
struct Refusal: Error {
    let status: HTTPResponse.Status
    let code: Code
    let message: String
    var fields: HTTPFields = [:]
    /// The kind of problem it is; nil for the usual one of the status.
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
    /// What the pipeline said: a permanent fault lies in the data, the other kind passes.
    init(_ error: ConsumeError) {
        if error.isRetryable {
            self = .unavailable(error.message, after: error.retryAfter)
        } else if error.isTooLarge {
            self.init(status: .contentTooLarge, code: .resourceExhausted, message: error.message)
        } else {
            self = .invalid(error.message)
        }
    }

    /// The data can never be taken.
    static func invalid(_ message: String) -> Refusal {
        Refusal(status: .badRequest, code: .invalidArgument, message: message)
    }

    /// The data can be taken in some seconds; a sender is never put off for longer than it can keep its data.
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

    /// The body of a call of gRPC is not one message: by its specification that is INTERNAL.
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

    /// The whole request is refused, before its pipeline has seen anything of it.
    static func tooManyRecords(_ limit: Int) -> Refusal {
        Refusal(
            status: .contentTooLarge,
            code: .resourceExhausted,
            message: "the request has more than \(limit) records; send smaller batches or raise max_request_records"
        )
    }

    /// What a request unfolds to finds no room now, or has none in any case.
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
    /// Says why a request is not taken.
    init(_ refusal: Refusal, encoding: BodyEncoding) {
        let body = RPCStatus.body(code: refusal.code.rawValue, message: refusal.message, json: encoding == .json)
        self.init(refusal.status, refusal.fields, body: .bytes(body))
        head.headerFields[.contentType] = encoding.rawValue
        rejection = Rejection(refusal.problem ?? IntakeProblem.Code(status: refusal.status.code), refusal.message)
    }

    /// Says that a request is taken, and how many of its records are not.
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
