// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPTypes
import Logging
import OTLP
import Synchronization

/// Receives OTLP over HTTP and gRPC: one route for each signal and protocol, answered once the pipeline has taken the batch.
final class OTLPReceiver: Receiver, HTTPServing {
    private let protocols: OTLPConfig.Protocols
    /// The settings of OTLP over HTTP; the usual ones where only gRPC is written.
    private let http: OTLPConfig.HTTP
    private let settings: ComponentSettings
    private let next: SignalConsumers
    private let origins: OriginPolicy
    private let reader: ExportRequestReader
    private let callReader: ExportRequestReader
    private let hosts: HostPolicy
    private let remarks: SenderWarnings
    private let addedFields: [HTTPField]

    init(_ protocols: OTLPConfig.Protocols, _ settings: ComponentSettings, next: SignalConsumers) {
        self.protocols = protocols
        self.settings = settings
        self.next = next
        http = protocols.http ?? OTLPConfig.HTTP()
        origins = OriginPolicy(http.cors)
        reader = ExportRequestReader(
            limit: Int(clamping: http.maxRequestBodySize.bytes),
            limitKey: "max_request_body_size",
            records: http.maxRequestRecords,
            codings: http.codings
        )
        callReader =
            protocols.grpc.map { grpc in
                ExportRequestReader(
                    limit: grpc.largestMessage,
                    limitKey: "max_recv_msg_size_mib",
                    records: protocols.http?.maxRequestRecords ?? grpc.maxRequestRecords,
                    codings: protocols.http?.codings ?? Set(ContentCoding.allCases)
                )
            } ?? reader
        hosts = HostPolicy((protocols.http?.allowedHosts ?? []) + (protocols.grpc?.allowedHosts ?? []))
        remarks = SenderWarnings(settings)
        addedFields = http.responseFields
    }

    var endpoint: Endpoint { sites.first?.endpoint ?? http.address }

    var routes: [Route] { sites.first?.routes ?? [] }

    var connectionTerms: ConnectionTerms { sites.first?.connectionTerms ?? ConnectionTerms() }

    var tls: TLSConfig? { sites.first?.tls }

    /// The address of HTTP and that of gRPC; each answers both, so that a sender with the wrong port loses nothing.
    var sites: [HTTPSite] {
        let (address, grpc) = (protocols.http?.address, protocols.grpc)
        guard let grpc, grpc.address != address else {
            let terms = grpc.map { http.connectionTerms.merged(with: $0.connectionTerms) } ?? http.connectionTerms
            return [HTTPSite(http.address, httpRoutes(areOwn: true), terms, tls: http.tls)]
        }
        // The standard port is the usual one of other collectors, too.
        let isSpare = address != nil && grpc.endpoint == .otlpGRPC
        let calls = HTTPSite(
            grpc.address,
            httpRoutes(areOwn: false),
            grpc.connectionTerms,
            tls: grpc.tls,
            isSpare: isSpare
        )
        guard let address else { return [calls] }
        return [HTTPSite(address, httpRoutes(areOwn: true), http.connectionTerms, tls: http.tls), calls]
    }

    /// The path to which Langfuse's SDK posts; its user can configure the host but not the path (`/traces` is appended).
    ///
    /// Observed in SDK 5.0.4 and LiteLLM's `langfuse_otel`: gzipped protobuf, and basic authentication with a public key as the user and
    /// a secret key as the password.
    private static let langfusePath = "/api/public/otel/v1"

    /// Each signal at its own path, beside it at Langfuse's unless something else answers there, and the calls of gRPC.
    ///
    /// - Parameter areOwn: Whether the paths are those of this receiver alone.
    private func httpRoutes(areOwn: Bool) -> [Route] {
        let own = Signal.allCases.flatMap { routes(of: $0, at: http.path(of: $0), givesWay: !areOwn) }
        let fixed = Signal.allCases.flatMap {
            routes(of: $0, at: "\(Self.langfusePath)/\($0)", givesWay: true, takesPassword: true)
        }
        return own + fixed + calls
    }

    /// The gRPC methods: an export for each signal, and the health check (grpc.health.v1).
    private var calls: [Route] {
        let hosts = hosts
        let exports = Signal.allCases.map { signal in
            Route(
                .post,
                signal.exportMethod,
                failureForm: .status,
                allowsHost: { hosts.allows($0) },
                takesTelemetry: true,
                givesWay: true
            ) { await self.answerCall($0, signal) }
        }
        let health = Route(
            .post,
            "/grpc.health.v1.Health/Check",
            access: .open,
            allowsHost: { hosts.allows($0) },
            givesWay: true,
            handler: health
        )
        return exports + [health]
    }

    private func answerCall(_ request: ServerRequest, _ signal: Signal) async -> ServerResponse {
        let type = request.head.headerFields[.contentType]?.prefix { $0 != ";" }
        guard type == "application/grpc" || type == "application/grpc+proto" else {
            return ServerResponse(.unsupportedCall, encoding: .protobuf)
        }
        var response: ServerResponse
        do throws(Refusal) {
            response = try await export(request, signal, .protobuf, callReader)
        } catch {
            response = ServerResponse(error, encoding: .protobuf)
        }
        response.head.headerFields[.grpcAcceptEncoding] = GRPC.names(of: callReader.codings)
        return response
    }

    /// SERVING, for the server as a whole and for each of its services.
    private func health(_ request: ServerRequest) async -> ServerResponse {
        guard GRPC.isCall(request.head) else { return ServerResponse(.unsupportedCall, encoding: .protobuf) }
        guard let body = try? await request.body.collect(limit: 1_024), let message = try? GRPC.message(in: body).bytes
        else { return ServerResponse(.malformedCall("the question is too long or no message"), encoding: .protobuf) }
        // HealthCheckRequest.service is a string in field 1; its length takes one byte.
        let service = String(decoding: message.dropFirst(2), as: UTF8.self)
        guard service.isEmpty || Signal.allCases.contains(where: { $0.exportMethod == "/\(service)/Export" }) else {
            var response = ServerResponse(.notFound, [.grpcStatus: "\(GRPC.Code.notFound.rawValue)"])
            response.rejection = Rejection(.unknownPath, "there is no such service")
            return response
        }
        return ServerResponse(.ok, body: .bytes([0x08, 0x01]))
    }

    private func routes(of signal: Signal, at path: String, givesWay: Bool, takesPassword: Bool = false) -> [Route] {
        let origins = origins
        let mayBeAllowed: @Sendable (String) -> Bool = { origins.allows($0) }
        let allows = origins.isEmpty ? nil : mayBeAllowed
        let hosts = hosts
        let post = Route(
            .post,
            path,
            failureForm: .status,
            allowsOrigin: allows,
            allowsHost: { hosts.allows($0) },
            takesTelemetry: true,
            acceptsBasicAuthentication: takesPassword,
            givesWay: givesWay
        ) { await self.answer($0, signal) }
        guard allows != nil else { return [post] }
        let preflight = Route(
            .options,
            path,
            access: .open,
            failureForm: .status,
            allowsOrigin: allows,
            takesTelemetry: true,
            givesWay: givesWay
        ) { self.preflight($0.head) }
        return [post, preflight]
    }

    /// The answer to a CORS preflight; without permission the page sends nothing.
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

    /// The answer with the configured header fields added; fields that it has already are kept.
    private func adding(to response: ServerResponse) -> ServerResponse {
        var response = response
        for field in addedFields where response.head.headerFields[field.name] == nil {
            response.head.headerFields.append(field)
        }
        return response
    }

    /// With an unusable content type the sender's encoding is unknown; JSON can at least be read by people.
    private func answerWithoutOrigin(_ request: ServerRequest, _ signal: Signal) async -> ServerResponse {
        guard let encoding = BodyEncoding(contentType: request.head.headerFields[.contentType]) else {
            return ServerResponse(.unsupportedType, encoding: .json)
        }
        do throws(Refusal) {
            return try await export(request, signal, encoding, reader)
        } catch {
            return ServerResponse(error, encoding: encoding)
        }
    }

    private func export(
        _ request: ServerRequest,
        _ signal: Signal,
        _ encoding: BodyEncoding,
        _ reader: ExportRequestReader
    ) async throws(Refusal) -> ServerResponse {
        guard let pipeline = next[signal] else { throw .noPipeline(signal) }
        return try await reader.read(request, signal, encoding) { (content) async throws(Refusal) -> ServerResponse in
            let otlp = content.otlp
            let hops = HopLimit.hops(of: request.head.headerFields)
            if hops > HopLimit.most, otlp.recordCount > 0 {
                return cut(otlp, hops, request, signal, encoding)
            }
            if otlp.recordCount > 0 {
                try await request.run(ifShort: { _ in Self.isShort(otlp) }) { () async throws(Refusal) in
                    try await hand(otlp, hops, of: request, to: pipeline)
                }
            }
            return answer(content, request, signal, encoding)
        }
    }

    /// Whether the processors need little time for a batch: 256 KiB of usual records are 800 records with 6,000 attributes.
    private static func isShort(_ otlp: OTLPBatch) -> Bool {
        otlp.records.count <= 2_000 && otlp.attributes.count <= 20_000
    }

    /// The answer to an accepted request; records its problems.
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

    /// Records the loss of records of an accepted request.
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

    /// The answer to what goes round in a circle of collectors; nothing of it goes on.
    ///
    /// It is no failure, which the sender would keep as a dead letter or try again.
    private func cut(
        _ otlp: OTLPBatch,
        _ hops: Int,
        _ request: ServerRequest,
        _ signal: Signal,
        _ encoding: BodyEncoding
    ) -> ServerResponse {
        let reason = "they came through \(hops) collectors, which is a circle"
        settings.counters.add(otlp.recordCount, to: .dropped)
        note(otlp.recordCount, .circle, reason, request, signal)
        let body = ExportResponse.body(
            signal: signal,
            rejected: otlp.recordCount,
            message: reason,
            json: encoding == .json
        )
        return ServerResponse(.ok, [.contentType: encoding.rawValue], body: .bytes(body))
    }

    private func hand(_ otlp: OTLPBatch, _ hops: Int, of request: ServerRequest, to pipeline: any Consumer)
        async throws(Refusal)
    {
        do throws(ConsumeError) {
            var batch = Batch(otlp, receivedAt: settings.now())
            (batch.memory, batch.client, batch.hops) = (request.memory, request.client, hops)
            try await pipeline.consume(batch)
        } catch {
            throw Refusal(error)
        }
    }
}

extension Signal {
    /// The path of the call that exports this signal.
    var exportMethod: String {
        switch self {
        case .traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        case .logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        case .metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
        }
    }
}

extension ComponentFactory {
    /// Receives OTLP over HTTP and gRPC.
    public static let otlp = ComponentFactory.receiver(
        "otlp",
        OTLPConfig.self,
        summary: "takes in OTLP over HTTP (protobuf, JSON) and gRPC, and answers once the pipeline has it"
    ) { config, settings, next in OTLPReceiver(config.protocols, settings, next: next) }
}

/// Logs deviations of senders, each kind once and not for every request; counts all of them.
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

    /// Records the deviations of an accepted request from OTLP.
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

/// Decides which web pages may send (CORS): answers preflights and adds the fields to answers that pages may read.
struct OriginPolicy {
    private let patterns: [String]
    /// The names of the fields that pages may send, in lower case; nil for all.
    private let allowedHeaders: Set<String>?
    private let exposedHeaders: String
    private let maxAge: Int

    /// Fields that pages may send with any request, and those that browsers add.
    private static let harmlessHeaders: Set<String> = [
        "accept", "accept-language", "content-language", "content-type", "origin", "x-requested-with",
    ]

    /// Creates a policy from origins in which `*` matches any text.
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

    /// The answer to a preflight; without permission when the origin or a field is not allowed.
    func preflight(_ request: HTTPRequest) -> ServerResponse {
        let wanted = request.headerFields[.accessControlRequestHeaders]
        guard isAllowed(wanted ?? "") else { return ServerResponse(.noContent, [.vary: "Origin"]) }
        var fields = consent(to: request)
        if fields[.accessControlAllowOrigin] != nil {
            fields[.accessControlAllowMethods] = "POST"
            fields[.accessControlAllowHeaders] = wanted
            // A negative value forbids caching, which browsers know as 0.
            if maxAge != 0 { fields[.accessControlMaxAge] = "\(max(0, maxAge))" }
        }
        return ServerResponse(.noContent, fields)
    }

    /// The CORS fields of the answer to this request.
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
        // Browsers' `sendBeacon` always sends credentials; a policy for every page never allows them.
        if pattern != "*" { fields[.accessControlAllowCredentials] = "true" }
        return fields
    }

    /// Whether a text matches a pattern: the parts between the asterisks occur in order, the first and last at the ends.
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
