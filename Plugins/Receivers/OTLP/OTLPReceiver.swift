// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPTypes
import Logging
import OTLP
import Synchronization

/// Takes in OTLP over HTTP and gRPC: one route for each signal and form, answered once the pipeline has the batch.
final class OTLPReceiver: Receiver, HTTPServing {
    private let http: OTLPConfig.HTTP
    private let settings: ComponentSettings
    private let next: SignalConsumers
    private let origins: OriginPolicy
    private let reader: ExportRequestReader
    private let remarks: SenderWarnings
    private let addedFields: [HTTPField]

    init(_ http: OTLPConfig.HTTP, _ settings: ComponentSettings, next: SignalConsumers) {
        self.http = http
        self.settings = settings
        self.next = next
        origins = OriginPolicy(http.cors)
        reader = ExportRequestReader(
            limit: Int(clamping: http.maxRequestBodySize.bytes),
            records: http.maxRequestRecords,
            codings: http.codings
        )
        remarks = SenderWarnings(settings)
        addedFields = http.responseFields
    }

    var endpoint: Endpoint { http.address }

    var connectionTerms: ConnectionTerms { http.connectionTerms }

    var tls: TLSConfig? { http.tls }

    /// Where Langfuse's SDK posts, whose user can name the host and nothing else (`/traces` is appended).
    ///
    /// Seen from the SDK 5.0.4 and LiteLLM's `langfuse_otel`: protobuf in gzip, and basic authentication with a public key as the user
    /// and a secret key as the password.
    private static let langfusePath = "/api/public/otel/v1"

    /// Each signal at its own path, and beside it at Langfuse's unless something else answers there.
    var routes: [Route] {
        let fixed = Signal.allCases.flatMap { routes(of: $0, at: "\(Self.langfusePath)/\($0)", isOwn: false) }
        return Signal.allCases.flatMap { routes(of: $0, at: http.path(of: $0), isOwn: true) } + fixed + calls
    }

    /// The calls of gRPC: an export of each signal, and the question whether the server is there (grpc.health.v1).
    private var calls: [Route] {
        let exports = Signal.allCases.map { signal in
            Route(.post, signal.exportMethod, failureForm: .status, takesTelemetry: true, givesWay: true) {
                await self.answerCall($0, signal)
            }
        }
        return exports + [Route(.post, "/grpc.health.v1.Health/Check", access: .open, givesWay: true, handler: health)]
    }

    private func answerCall(_ request: ServerRequest, _ signal: Signal) async -> ServerResponse {
        let type = request.head.headerFields[.contentType]?.prefix { $0 != ";" }
        guard type == "application/grpc" || type == "application/grpc+proto" else {
            return ServerResponse(.unsupportedCall, encoding: .protobuf)
        }
        do throws(Refusal) {
            return try await export(request, signal, .protobuf)
        } catch {
            return ServerResponse(error, encoding: .protobuf)
        }
    }

    /// SERVING, for the server as a whole and for each service of it.
    private func health(_ request: ServerRequest) async -> ServerResponse {
        guard GRPC.isCall(request.head) else { return ServerResponse(.unsupportedCall, encoding: .protobuf) }
        guard let body = try? await request.body.collect(limit: 1_024), let message = try? GRPC.message(in: body).bytes
        else { return ServerResponse(.malformedCall("the question is too long or no message"), encoding: .protobuf) }
        // HealthCheckRequest.service, a string of field 1; its length takes one byte.
        let service = String(decoding: message.dropFirst(2), as: UTF8.self)
        guard service.isEmpty || Signal.allCases.contains(where: { $0.exportMethod == "/\(service)/Export" }) else {
            var response = ServerResponse(.notFound, [.grpcStatus: "\(GRPC.Code.notFound.rawValue)"])
            response.rejection = Rejection(.unknownPath, "there is no such service")
            return response
        }
        return ServerResponse(.ok, body: .bytes([0x08, 0x01]))
    }

    private func routes(of signal: Signal, at path: String, isOwn: Bool) -> [Route] {
        let origins = origins
        let mayBeAllowed: @Sendable (String) -> Bool = { origins.allows($0) }
        let allows = origins.isEmpty ? nil : mayBeAllowed
        let hosts = HostPolicy(http.allowedHosts)
        let post = Route(
            .post,
            path,
            failureForm: .status,
            allowsOrigin: allows,
            allowsHost: { hosts.allows($0) },
            takesTelemetry: true,
            acceptsBasicAuthentication: !isOwn,
            givesWay: !isOwn
        ) { await self.answer($0, signal) }
        guard allows != nil else { return [post] }
        let preflight = Route(
            .options,
            path,
            access: .open,
            failureForm: .status,
            allowsOrigin: allows,
            takesTelemetry: true,
            givesWay: !isOwn
        ) { self.preflight($0.head) }
        return [post, preflight]
    }

    /// The answer to a browser that asks whether its page may send; without consent the page sends nothing.
    private func preflight(_ request: HTTPRequest) -> ServerResponse {
        var response = adding(to: origins.preflight(request))
        if response.head.headerFields[.accessControlAllowOrigin] == nil {
            response.rejection = Rejection(
                .foreignOrigin,
                "cors allows not this page, or not a header field that it sends"
            )
        }
        return response
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
            return ServerResponse(error, encoding: encoding)
        }
    }

    private func export(_ request: ServerRequest, _ signal: Signal, _ encoding: BodyEncoding) async throws(Refusal)
        -> ServerResponse
    {
        guard let pipeline = next[signal] else { throw .noPipeline(signal) }
        return try await reader.read(request, signal, encoding) { (content) async throws(Refusal) -> ServerResponse in
            let otlp = content.otlp
            if otlp.recordCount > 0 {
                try await request.run(ifShort: { _ in Self.isShort(otlp) }) { () async throws(Refusal) in
                    try await hand(otlp, of: request, to: pipeline)
                }
            }
            return answer(content, request, signal, encoding)
        }
    }

    /// Whether processors look through a batch in a moment: 256 KiB of usual records are 800 of them with 6,000 attributes.
    private static func isShort(_ otlp: OTLPBatch) -> Bool {
        otlp.records.count <= 2_000 && otlp.attributes.count <= 20_000
    }

    /// The answer to what was taken; notes what is wrong with it.
    private func answer(_ content: ExportRequest, _ request: ServerRequest, _ signal: Signal, _ encoding: BodyEncoding)
        -> ServerResponse
    {
        let otlp = content.otlp
        settings.counters.add(otlp.rejected, to: .refused)
        note(otlp.rejected, .malformedRecords, otlp.rejectionReason ?? "malformed records", request, signal)
        if !otlp.notes.isEmpty { remarks.remark(otlp.notes) }
        if let misplaced = content.misplaced {
            settings.counters.add(misplaced.count, to: .dropped)
            let reason = "\(signal) are taken here"
            note(misplaced.count, .misplacedRecords, reason, request, misplaced.signal)
        }
        return ServerResponse(accepting: otlp, encoding: encoding)
    }

    /// Notes records that an accepted request lost.
    private func note(
        _ count: Int,
        _ code: IntakeProblem.Code,
        _ reason: String,
        _ request: ServerRequest,
        _ signal: Signal
    ) {
        let client = request.head.headerFields[.userAgent]
        settings.intake.note(
            code,
            request.head.path ?? "",
            client: client,
            signal: signal,
            status: 200,
            reason: reason,
            count: count,
            logger: settings.logger
        )
    }

    private func hand(_ otlp: OTLPBatch, of request: ServerRequest, to pipeline: any Consumer)
        async throws(Refusal)
    {
        do throws(ConsumeError) {
            var batch = Batch(otlp, receivedAt: settings.now())
            (batch.memory, batch.client) = (request.memory, request.client)
            try await pipeline.consume(batch)
        } catch {
            throw Refusal(error)
        }
    }
}

extension Signal {
    /// The path of the call that exports this signal.
    fileprivate var exportMethod: String {
        switch self {
        case .traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        case .logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        case .metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
        }
    }
}

extension ComponentFactory {
    /// Takes in OTLP over HTTP and gRPC.
    public static let otlp = ComponentFactory.receiver(
        "otlp",
        OTLPConfig.self,
        summary: "takes in OTLP over HTTP (protobuf, JSON) and gRPC, and answers once the pipeline has it"
    ) { config, settings, next in OTLPReceiver(config.protocols.http, settings, next: next) }
}

/// Tells the user what is odd about the senders: each thing once and not with every request; counts all of it.
final class SenderWarnings: Sendable {
    private let settings: ComponentSettings
    private let made = Mutex<Set<SenderWarning>>([])

    private enum SenderWarning: Hashable {
        case snakeCaseNames
        case stringIndexes
        case invalidSequences
    }

    init(_ settings: ComponentSettings) {
        self.settings = settings
    }

    /// A request was accepted that is not as OTLP has it.
    func remark(_ notes: OTLPNotes) {
        settings.counters.add(notes.snakeCaseNames + notes.stringIndexes + notes.invalidSequences, to: .deviations)
        if notes.snakeCaseNames > 0 {
            make(
                .snakeCaseNames,
                "a sender writes names of OTLP/JSON in snake_case; they are understood here, but not by every collector"
            )
        }
        if notes.stringIndexes > 0 {
            make(
                .stringIndexes,
                "a sender refers to a table of strings, which only profiles have; these references are left out"
            )
        }
        if notes.invalidSequences > 0 {
            make(
                .invalidSequences,
                "a sender's texts are not all UTF-8; what cannot be read is shown as U+FFFD; update the sender"
            )
        }
    }

    private func make(_ remark: SenderWarning, _ text: String) {
        guard made.withLock({ $0.insert(remark).inserted }) else { return }
        settings.logger.warning("\(text)")
    }
}

/// Which web pages may send (CORS): answers preflights and marks answers that pages may read.
struct OriginPolicy {
    private let patterns: [String]
    /// The names of the fields that pages may send, in lower case; nil for every one.
    private let allowedHeaders: Set<String>?
    private let exposedHeaders: String
    private let maxAge: Int

    /// What pages may send with any request, and what browsers add by themselves.
    private static let harmlessHeaders: Set<String> = [
        "accept", "accept-language", "content-language", "content-type", "origin", "x-requested-with",
    ]

    /// Creates a policy from origins in which `*` stands for any text.
    init(_ cors: OTLPConfig.CORS) {
        patterns = cors.allowedOrigins.map { $0.lowercased() }
        let isOpen = cors.allowedHeaders.isEmpty || cors.allowedHeaders.contains("*")
        allowedHeaders = isOpen ? nil : Self.harmlessHeaders.union(cors.allowedHeaders.map { $0.lowercased() })
        exposedHeaders = cors.exposedHeaders.joined(separator: ", ")
        maxAge = cors.maxAge
    }

    /// Whether no page may send at all.
    var isEmpty: Bool { patterns.isEmpty }

    /// Whether pages of an origin may send.
    func allows(_ origin: String) -> Bool { patterns.contains { Self.matches(origin.lowercased(), $0) } }

    /// The answer to the question that a browser asks before it sends; without consent when the origin or a field is not allowed.
    func preflight(_ request: HTTPRequest) -> ServerResponse {
        let wanted = request.headerFields[.accessControlRequestHeaders]
        guard isAllowed(wanted ?? "") else { return ServerResponse(.noContent, [.vary: "Origin"]) }
        var fields = consent(to: request)
        if fields[.accessControlAllowOrigin] != nil {
            fields[.accessControlAllowMethods] = "POST"
            fields[.accessControlAllowHeaders] = wanted
            // Less than 0 forbids to remember, which browsers are told with 0.
            if maxAge != 0 { fields[.accessControlMaxAge] = "\(max(0, maxAge))" }
        }
        return ServerResponse(.noContent, fields)
    }

    /// What an answer to this request has to say about its origin.
    func fields(for request: HTTPRequest) -> HTTPFields {
        var fields = consent(to: request)
        if fields[.accessControlAllowOrigin] != nil, !exposedHeaders.isEmpty {
            fields[.accessControlExposeHeaders] = exposedHeaders
        }
        return fields
    }

    private func isAllowed(_ headers: String) -> Bool {
        guard let allowedHeaders else { return true }
        return headers.lowercased().split { $0 == "," || $0 == " " || $0 == "\t" }
            .allSatisfy { allowedHeaders.contains(String($0)) }
    }

    private func consent(to request: HTTPRequest) -> HTTPFields {
        guard !isEmpty else { return [:] }
        var fields: HTTPFields = [.vary: "Origin"]
        guard let origin = request.headerFields[.origin],
            let pattern = patterns.first(where: { Self.matches(origin.lowercased(), $0) })
        else { return fields }
        fields[.accessControlAllowOrigin] = origin
        // Browsers' `sendBeacon` always carries credentials; a policy for every page never allows them.
        if pattern != "*" { fields[.accessControlAllowCredentials] = "true" }
        return fields
    }

    /// Whether a text matches a pattern: its parts between the asterisks occur in their order, first and last at the ends.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard let first = parts.first, let last = parts.last, parts.count > 1 else { return text == pattern }
        guard text.hasPrefix(first), text.hasSuffix(last), text.count >= first.count + last.count else { return false }
        var rest = text.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }
}
