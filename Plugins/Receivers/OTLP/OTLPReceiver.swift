// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Logging
import OTLP

/// Takes in OTLP over HTTP: one route for each signal, answered once the pipeline has the batch.
final class OTLPReceiver: Receiver, HTTPServing {
    private let http: OTLPConfig.HTTP
    private let settings: ComponentSettings
    private let next: SignalConsumers
    private let origins: OriginPolicy
    private let reader: ExportRequestReader
    private let gate = Gate()
    private let remarks: SenderRemarks
    private let addedFields: [HTTPField]

    init(_ http: OTLPConfig.HTTP, _ settings: ComponentSettings, next: SignalConsumers) {
        self.http = http
        self.settings = settings
        self.next = next
        origins = OriginPolicy(http.cors)
        reader = ExportRequestReader(limit: Int(clamping: http.maxRequestBodySize.bytes), codings: http.codings)
        remarks = SenderRemarks(settings)
        addedFields = http.responseFields
    }

    func start() async throws(StartError) { gate.open() }

    func shutdown() async { await gate.close() }

    var endpoint: Endpoint { http.address }

    var connectionTerms: ConnectionTerms { http.connectionTerms }

    var tls: TLSConfig? { http.tls }

    var routes: [Route] { Signal.allCases.flatMap { routes(of: $0) } }

    private func routes(of signal: Signal) -> [Route] {
        let (path, origins) = (http.path(of: signal), origins)
        guard !origins.isEmpty else {
            return [Route(.post, path, failureForm: .status) { await self.answer($0, signal) }]
        }
        let allows: @Sendable (String) -> Bool = { origins.allows($0) }
        return [
            Route(.post, path, failureForm: .status, allowsOrigin: allows) { await self.answer($0, signal) },
            Route(.options, path, access: .open, failureForm: .status, allowsOrigin: allows) {
                self.adding(to: self.origins.preflight($0.head))
            },
        ]
    }

    private func answer(_ request: ServerRequest, _ signal: Signal) async -> ServerResponse {
        var response = await answerWithoutOrigin(request, signal)
        response.head.headerFields.append(contentsOf: origins.fields(for: request.head))
        return adding(to: response)
    }

    /// The answer with what the user wants in every answer; what it says by itself stays.
    private func adding(to response: ServerResponse) -> ServerResponse {
        var response = response
        for field in addedFields where response.head.headerFields[field.name] == nil {
            response.head.headerFields.append(field)
        }
        return response
    }

    /// An unusable type leaves no way to tell which encoding the sender reads; JSON can at least be read by people.
    private func answerWithoutOrigin(_ request: ServerRequest, _ signal: Signal) async -> ServerResponse {
        guard let encoding = BodyEncoding(contentType: request.head.headerFields[.contentType]) else {
            return ServerResponse(.unsupportedType, encoding: .json)
        }
        do throws(Refusal) {
            return try await export(request, signal, encoding)
        } catch {
            settings.logger.debug("refused an export", metadata: ["signal": "\(signal)", "reason": "\(error.message)"])
            return ServerResponse(error, encoding: encoding)
        }
    }

    private func export(_ request: ServerRequest, _ signal: Signal, _ encoding: BodyEncoding) async throws(Refusal)
        -> ServerResponse
    {
        guard gate.isOpen else { throw .notRunning }
        guard let pipeline = next[signal] else {
            remarks.remark(missingPipeline: signal)
            throw .noPipeline(signal)
        }
        let content = try await reader.read(request, signal, encoding)
        let otlp = content.otlp
        if otlp.recordCount > 0 { try await hand(otlp, to: pipeline) }
        settings.counters.add(otlp.rejected, to: .refused)
        if !otlp.notes.isEmpty { remarks.remark(otlp.notes) }
        if let misplaced = content.misplaced { remarks.remark(misplaced, sentAs: signal, to: http.path(of: signal)) }
        return ServerResponse(accepting: otlp, encoding: encoding)
    }

    private func hand(_ otlp: OTLPBatch, to pipeline: any Consumer) async throws(Refusal) {
        // The body may have taken long; after the shutdown nobody waits for this batch any more.
        guard gate.enter() else { throw .notRunning }
        defer { gate.leave() }
        do throws(ConsumeError) {
            try await pipeline.consume(Batch(otlp, receivedAt: settings.now()))
            settings.counters.add(otlp.recordCount, to: .accepted)
        } catch {
            settings.counters.add(otlp.recordCount, to: error.isRetryable ? .failed : .refused)
            throw Refusal(error)
        }
    }
}
