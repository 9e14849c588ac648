// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import HTTPServer
import HTTPTypes

/// Answers requests as a component does over HTTP, but without a listener: for commands that read a store directly.
///
/// No API key is required: a user who can open the store may read it.
public struct LocalAnswers: Sendable {
    private let table: RouteTable

    /// Creates the answers of a component.
    ///
    /// - Throws: ``StartError`` when two of its routes are the same.
    public init(of component: any HTTPServing) throws(StartError) {
        table = try RouteTable(component.routes)
    }

    /// Returns the status and the body of an answer.
    ///
    /// - Parameters:
    ///   - method: Such as `GET`.
    ///   - target: The path and the query.
    ///   - body: The body of the request.
    public func send(_ method: String, _ target: String, body: String = "") async throws -> (status: Int, body: String)
    {
        guard let method = HTTPRequest.Method(method),
            case .route(let route, let parameters) = table.match(method, target)
        else { return (404, #"{"error":"there is no such path","status":404}"#) }
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: target)
        head.headerFields[.contentType] = "application/json"
        let response = try await route.handler(
            ServerRequest(head: head, parameters: parameters, body: RequestBody(bytes: Array(body.utf8)))
        )
        switch response.body {
        case .bytes(let bytes):
            return (response.head.status.code, String(decoding: bytes, as: UTF8.self))
        case .stream(let pieces):
            var bytes: [UInt8] = []
            for try await piece in pieces { bytes += piece }
            return (response.head.status.code, String(decoding: bytes, as: UTF8.self))
        }
    }
}
