// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import OTLP

/// Makes a batch of a request: checks its head, then reads, inflates and decodes the body within one limit.
struct ExportRequestReader {
    /// The largest body in bytes, before and after it is inflated.
    let limit: Int
    /// The codings that a body may have.
    let codings: Set<ContentCoding>

    func read(_ request: ServerRequest, _ signal: Signal, _ encoding: BodyEncoding) async throws(Refusal)
        -> ExportRequest
    {
        let coding = ContentCoding(contentEncoding: request.head.headerFields[.contentEncoding])
        guard let coding, codings.contains(coding) else { throw .unsupportedCoding(codings) }
        let body = try await collect(request.body)
        let plain = coding == .gzip ? try inflate(body, request.memory) : body
        let otlp = try decode(plain, signal, encoding)
        let isEmpty = otlp.records.isEmpty && encoding == .json
        return ExportRequest(otlp: otlp, misplaced: isEmpty ? MisplacedRecords(json: plain, sentAs: signal) : nil)
    }

    private func collect(_ body: RequestBody) async throws(Refusal) -> [UInt8] {
        do throws(BodyError) {
            return try await body.collect(limit: limit)
        } catch {
            switch error {
            case .tooLarge: throw .tooLarge("the body", limit)
            case .interrupted: throw .interrupted
            }
        }
    }

    private func inflate(_ body: [UInt8], _ memory: (any MemoryAllowance)?) throws(Refusal) -> [UInt8] {
        let inflated: [UInt8]?
        do throws(Gzip.Failure) {
            inflated = try Gzip.inflate(body, limit: limit, memory: memory)
        } catch {
            switch error {
            case .tooLarge: throw .tooLarge("the inflated body", limit)
            case .corrupt(let reason): throw .invalid(reason)
            }
        }
        if let inflated { return inflated }
        var refusal = Refusal.unavailable("there is no memory left for the inflated body now", after: 1)
        refusal.problem = .noMemory
        throw refusal
    }

    private func decode(_ body: [UInt8], _ signal: Signal, _ encoding: BodyEncoding) throws(Refusal) -> OTLPBatch {
        do throws(OTLPError) {
            switch encoding {
            case .protobuf: return try OTLPBatch(signal: signal, protobuf: body)
            case .json: return try OTLPBatch(signal: signal, json: body)
            }
        } catch {
            throw .invalid(error.description)
        }
    }
}
