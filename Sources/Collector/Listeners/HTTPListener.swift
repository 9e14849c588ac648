// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Glibc
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import OTLP

/// One open address and everything that is answered there.
///
/// The only place that knows the HTTP server.
struct HTTPListener: Sendable {
    let endpoint: Endpoint
    let table: RouteTable
    let logger: Logger

    init(endpoint: Endpoint, routes: [Route], logger: Logger) throws(StartError) {
        self.endpoint = endpoint
        self.logger = logger
        table = try RouteTable(routes)
    }

    /// Serves until the surrounding service group shuts down, then finishes the requests that have begun.
    ///
    /// - Parameter onServing: Is called with the port once requests are accepted.
    /// - Throws: ``StartError`` when the address cannot be used.
    func run(onServing: @escaping @Sendable (Int) async -> Void) async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            responder: ListenerResponder(table: table, logger: logger),
            server: .http1(configuration: .init(additionalChannelHandlers: [ExpectContinueHandler()])),
            configuration: ApplicationConfiguration(
                address: .hostname(endpoint.host, port: endpoint.port),
                serverName: nil,
                reuseAddress: true
            ),
            onServerRunning: { channel in await onServing(channel.localAddress?.port ?? endpoint.port) },
            logger: quiet
        )
        do {
            try await application.run()
        } catch let error as IOError {
            throw startError(error)
        } catch is SocketAddressError.UnknownHost {
            throw noAddress
        }
    }

    private var noAddress: StartError {
        StartError(
            .inputOutput,
            "\(endpoint) is no address of this machine; write 127.0.0.1:\(endpoint.port) in the configuration"
        )
    }

    private func startError(_ error: IOError) -> StartError {
        switch error.errnoCode {
        case EADDRINUSE:
            StartError(
                .inputOutput,
                "\(endpoint) is in use by another program; stop it, or write another endpoint in the configuration"
            )
        case EACCES, EPERM:
            StartError(
                .permission,
                "\(endpoint) may not be opened by this user; write a port above 1023 in the configuration"
            )
        case EADDRNOTAVAIL: noAddress
        default:
            StartError(.inputOutput, "\(endpoint) cannot be opened: \(error)")
        }
    }
}

/// Nothing of the server's own context is needed.
struct ListenerContext: InitializableFromSource {
    init(source: ApplicationRequestContextSource) {}
}

/// Turns the server's requests into ours and our answers into the server's.
struct ListenerResponder: HTTPResponder {
    let table: RouteTable
    let logger: Logger

    func respond(to request: Request, context: ListenerContext) async throws -> Response {
        let answer: ServerResponse
        switch table.match(request.method, request.head.path ?? "/") {
        case .route(let route, let parameters):
            answer = await handle(request, route, parameters)
        case .otherMethods(let methods):
            let allowed = methods.map(\.rawValue).sorted().joined(separator: ", ")
            answer = ErrorAnswer(path: request.head.path)
                .response(
                    .methodNotAllowed,
                    "\(request.method) is not answered here; use \(allowed)",
                    [.allow: allowed]
                )
        case .nothing:
            answer = ErrorAnswer(path: request.head.path)
                .response(.notFound, "nothing is answered here; there is \(table.paths.joined(separator: ", "))")
        }
        return Response(status: answer.head.status, headers: answer.head.headerFields, body: Self.body(answer.body))
    }

    private func handle(_ request: Request, _ route: Route, _ parameters: [String: String]) async -> ServerResponse {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        let body = CollectorKit.RequestBody(statedLength: length, pieces: BodyPieces(body: request.body))
        do {
            return try await route.handler(ServerRequest(head: request.head, parameters: parameters, body: body))
        } catch {
            logger.error("a request could not be answered", metadata: ["path": "\(route.path)", "error": "\(error)"])
            return ErrorAnswer(path: request.head.path).response(
                .internalServerError,
                "the request could not be answered; see the log"
            )
        }
    }

    private static func body(_ body: ServerResponse.Body) -> ResponseBody {
        switch body {
        case .bytes(let bytes): bytes.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .stream(let pieces):
            ResponseBody { writer in
                for try await piece in pieces { try await writer.write(ByteBuffer(bytes: piece)) }
                try await writer.finish(nil)
            }
        }
    }
}

/// The server's body as pieces of bytes.
struct BodyPieces: AsyncSequence, Sendable {
    let body: Hummingbird.RequestBody

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: Hummingbird.RequestBody.AsyncIterator

        mutating func next() async throws -> [UInt8]? {
            try await next(isolation: #isolation)
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> [UInt8]? {
            try await base.next(isolation: actor).map { [UInt8](buffer: $0) }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: body.makeAsyncIterator()) }
}

/// An error in the form that the clients of a path expect: google.rpc.Status for OTLP, a plain object for the rest.
struct ErrorAnswer {
    let path: String?

    func response(_ status: HTTPResponse.Status, _ message: String, _ fields: HTTPFields = [:]) -> ServerResponse {
        var fields = fields
        fields[.contentType] = "application/json"
        guard path?.hasPrefix("/v1/") == true else {
            let text = JSONText.quoted(message)
            return ServerResponse(
                status,
                fields,
                body: .bytes(Array("{\"error\":\(text),\"status\":\(status.code)}".utf8))
            )
        }
        let code: Int32 = status == .notFound ? 5 : status == .methodNotAllowed ? 12 : 13
        return ServerResponse(status, fields, body: .bytes(RPCStatus.body(code: code, message: message, json: true)))
    }
}
