// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Testing

@testable import HTTPServer

struct RouteTableTests {
    private static let table = [
        route(.post, "/v1/logs"),
        route(.get, "/api/sessions"),
        route(.delete, "/api/sessions"),
        route(.get, "/api/sessions/{id}"),
        route(.get, "/api/sessions/{id}/calls/{call}"),
        route(.delete, "/api/sessions/{id}"),
    ]

    private let table: RouteTable

    init() throws {
        table = try RouteTable(Self.table)
    }

    @Test(arguments: [
        (HTTPRequest.Method.post, "/v1/logs", "/v1/logs", [String: String]()),
        (.post, "/v1/logs/", "/v1/logs", [:]),
        (.post, "/v1/logs?x=/", "/v1/logs", [:]),
        (.get, "/api/sessions", "/api/sessions", [:]),
        (.get, "/api/sessions/7f", "/api/sessions/{id}", ["id": "7f"]),
        (.get, "/api/sessions/7f/?full=1", "/api/sessions/{id}", ["id": "7f"]),
        (.get, "/api/sessions/a%2Fb%20c", "/api/sessions/{id}", ["id": "a/b c"]),
        (.get, "/api/sessions/100%/calls/%C3%A4", "/api/sessions/{id}/calls/{call}", ["id": "100%", "call": "ä"]),
    ])
    func `a request meets its route`(
        method: HTTPRequest.Method,
        target: String,
        path: String,
        parameters: [String: String]
    ) throws {
        guard case .route(let route, let found) = table.match(method, target) else {
            Issue.record("no route for \(target)")
            return
        }
        #expect(route.path == path)
        #expect(route.method == method)
        #expect(found == parameters)
    }

    @Test(arguments: [
        ("/v1/logs", ["POST"]),
        ("/v1/logs/", ["POST"]),
        ("/api/sessions", ["DELETE", "GET"]),
        ("/api/sessions/7f", ["DELETE", "GET"]),
    ])
    func `a path that is there names its methods`(target: String, methods: [String]) {
        guard case .otherMethods(let others) = table.match(.put, target) else {
            Issue.record("no other methods for \(target)")
            return
        }
        #expect(others.map(\.method.rawValue).sorted() == methods)
    }

    @Test(arguments: ["/", "", "/v1", "/v1/logs/x", "/v1/log", "/V1/logs", "/api/sessions/a/b", "*", "/v1/logs//"])
    func `any other path is nothing`(target: String) {
        guard case .nothing = table.match(.post, target) else {
            Issue.record("something answers \(target)")
            return
        }
    }

    @Test(arguments: [
        ("/v1/logs", "/v1/logs"),
        ("/v1/logs", "/v1/logs/"),
        ("/api/{id}", "/api/{name}"),
        ("/api/{id}/calls", "/api/{id}/calls/"),
    ])
    func `two routes for the same requests are a conflict`(first: String, second: String) {
        let error = #expect(throws: StartError.self) {
            try RouteTable([Self.route(.get, first), Self.route(.get, second)])
        }
        #expect(error?.reason == .configuration)
        #expect(error?.description.hasPrefix("two components answer GET ") == true)
    }

    @Test func `one path for two methods is no conflict`() throws {
        let table = try RouteTable([Self.route(.get, "/a/{x}"), Self.route(.post, "/a/{y}"), Self.route(.get, "/a/b")])
        #expect(table.paths(like: "/") == ["/a/b"])
    }

    private static func route(_ method: HTTPRequest.Method, _ path: String) -> Route {
        Route(method, path) { _ in ServerResponse(.ok) }
    }
}
