// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import OTLP

/// Makes a batch of a request: checks its head, then reads, inflates and decodes the body within its limits.
struct ExportRequestReader {
    /// The largest body in bytes, before and after it is inflated.
    let limit: Int
    /// The key of the configuration that raises it.
    let limitKey: String
    /// The most records of a request.
    let records: Int
    /// The codings that a body may have.
    let codings: Set<ContentCoding>

    /// Hands the batch over; both where the request was started when they are short, and else on a worker.
    ///
    /// What a body inflates to decides, and not what it says it does: 61 KiB can be 64 MiB.
    func read<Success>(
        _ request: ServerRequest,
        _ signal: Signal,
        _ encoding: BodyEncoding,
        _ use: (ExportRequest) async throws(Refusal) -> Success
    ) async throws(Refusal) -> Success {
        let (body, coding) = try await body(of: request)
        if coding == .identity {
            return try await use(try decode(body, signal, encoding, request))
        }
        var plain: [UInt8]?
        // One that does not say its size is tried: it costs no more than the work that is short.
        if let short = request.shortWork, coding.statedSize(of: body) ?? body.count <= short.bytes {
            plain = try inflate(body, coding, atMost: short.bytes, request)
        }
        return try await request.run(ifShort: { _ in plain != nil }) { () async throws(Refusal) -> Success in
            let plain = if let plain { plain } else { try inflate(body, coding, request) }
            return try await use(try decode(plain, signal, encoding, request))
        }
    }

    /// The bytes to read, and what was done to them.
    private func body(of request: ServerRequest) async throws(Refusal) -> ([UInt8], ContentCoding) {
        if GRPC.isCall(request.head) { return try await message(of: request) }
        let coding = ContentCoding(contentEncoding: request.head.headerFields[.contentEncoding])
        guard let coding, codings.contains(coding) else { throw .unsupportedCoding("Content-Encoding", codings) }
        return (try await collect(request.body, limit), coding)
    }

    /// The message of a call of gRPC, which says itself whether it is compressed.
    private func message(of request: ServerRequest) async throws(Refusal) -> ([UInt8], ContentCoding) {
        let body = try await collect(request.body, limit + GRPC.prefixLength)
        let (message, isCompressed): ([UInt8], Bool)
        do throws(GRPC.FrameError) {
            (message, isCompressed) = try GRPC.message(in: body)
        } catch {
            switch error {
            case .malformed(let reason): throw .malformedCall(reason)
            }
        }
        guard isCompressed else { return (message, .identity) }
        let name = request.head.headerFields[.grpcEncoding] ?? "identity"
        guard name != "identity" else { throw .malformedCall("the message is compressed without a grpc-encoding") }
        let coding = ContentCoding(contentEncoding: name)
        guard let coding, codings.contains(coding) else { throw .unsupportedCoding("grpc-encoding", codings) }
        return (message, coding)
    }

    private func collect(_ body: RequestBody, _ limit: Int) async throws(Refusal) -> [UInt8] {
        do throws(BodyError) {
            return try await body.collect(limit: limit)
        } catch {
            switch error {
            case .tooLarge: throw .tooLarge("the body", self.limit, limitKey)
            case .interrupted: throw .interrupted
            }
        }
    }

    /// The inflated body; nil when it is longer than the work that is short.
    private func inflate(
        _ body: [UInt8],
        _ coding: ContentCoding,
        atMost short: Int,
        _ request: ServerRequest
    ) throws(Refusal) -> [UInt8]? {
        guard short < limit else { return nil }
        do throws(InflationFailure) {
            return try coding.inflate(body, limit: short, memory: request.memory)
        } catch {
            if error == .tooLarge { return nil }
            throw refusal(error, request)
        }
    }

    private func inflate(_ body: [UInt8], _ coding: ContentCoding, _ request: ServerRequest)
        throws(Refusal) -> [UInt8]
    {
        do throws(InflationFailure) {
            if let inflated = try coding.inflate(body, limit: limit, memory: request.memory) { return inflated }
        } catch {
            throw refusal(error, request)
        }
        throw .noMemory(request.memory)
    }

    private func decode(_ body: [UInt8], _ signal: Signal, _ encoding: BodyEncoding, _ request: ServerRequest)
        throws(Refusal) -> ExportRequest
    {
        let limits = ReadingLimits(records: records, memory: request.memory)
        do throws(OTLPError) {
            let otlp: OTLPBatch
            switch encoding {
            case .protobuf: otlp = try OTLPBatch(signal: signal, protobuf: body, limits: limits)
            case .json: otlp = try OTLPBatch(signal: signal, json: body, limits: limits)
            }
            let isEmpty = otlp.records.isEmpty && encoding == .json
            let misplaced = isEmpty ? MisplacedRecords(json: body, sentAs: signal, limits) : nil
            return ExportRequest(otlp: otlp, misplaced: misplaced)
        } catch {
            switch error.kind {
            case .malformed: throw .invalid(error.description)
            case .tooManyRecords: throw .tooManyRecords(records)
            case .outOfMemory: throw .noMemory(request.memory)
            }
        }
    }

    /// Bytes that are not what their coding says are a fault of the call itself in gRPC, and not of what it carries.
    private func refusal(_ failure: InflationFailure, _ request: ServerRequest) -> Refusal {
        switch failure {
        case .tooLarge: .tooLarge("the inflated body", limit, limitKey)
        case .corrupt(let reason): GRPC.isCall(request.head) ? .malformedCall(reason) : .invalid(reason)
        }
    }
}
