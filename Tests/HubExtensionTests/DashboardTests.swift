// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import HTTPTypes
import Testing

struct DashboardTests {
    private let routes: [Route]

    init() async throws {
        let bench = try await Bench()
        routes = try #require(bench.hub.httpServing).routes.filter {
            $0.path == "/" || $0.path.hasPrefix("/assets/")
        }
    }

    @Test func `every file of the folder web is served as it is`() async throws {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = package.appending(path: "Sources/CEmbedded/web")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.count > 20)
        #expect(routes.count == names.count)
        for name in names {
            let answer = try await get(name == "index.html" ? "/" : "/assets/" + name)
            #expect(answer.status == 200, "\(name)")
            #expect(answer.text == (try String(contentsOf: folder.appending(path: name), encoding: .utf8)), "\(name)")
        }
    }

    @Test func `the files need no key`() {
        #expect(routes.allSatisfy { $0.method == .get && $0.access == .open })
    }

    @Test(arguments: [
        ("/", "text/html; charset=utf-8"), ("/assets/app.css", "text/css; charset=utf-8"),
        ("/assets/app.js", "text/javascript; charset=utf-8"), ("/assets/icon.svg", "image/svg+xml"),
    ])
    func `a file says what it is and what it may do`(path: String, type: String) async throws {
        let fields = try await get(path).fields
        #expect(fields[.contentType] == type)
        #expect(fields[.xContentTypeOptions] == "nosniff")
        #expect(fields[.cacheControl] == "no-cache")
        #expect(fields[try #require(HTTPField.Name("Referrer-Policy"))] == "no-referrer")
        let policy = try #require(fields[.contentSecurityPolicy])
        #expect(policy.hasPrefix("default-src 'self';"))
        for rule in ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
            #expect(policy.contains(rule), "\(rule)")
        }
        #expect(!policy.contains("unsafe"))
    }

    @Test func `a client that has a file already gets 304`() async throws {
        let tag = try #require(try await get("/").fields[.eTag])
        #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
        for known in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
            let answer = try await get("/", known: known)
            #expect(answer.status == 304, "\(known)")
            #expect(answer.text == "")
            #expect(answer.fields[.eTag] == tag)
        }
        #expect(try await get("/", known: "\"other\"").status == 200)
        #expect(try await get("/assets/app.js").fields[.eTag] != tag)
    }

    @Test func `no file carries anything inline or from elsewhere`() async throws {
        let page = try await get("/").text
        #expect(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="))
        #expect(page.components(separatedBy: "<script").dropFirst().allSatisfy { $0.contains("src=\"/assets/") })
        for route in routes {
            let text = try await get(route.path).text
            for address in text.components(separatedBy: "https://").dropFirst() {
                Issue.record("\(route.path) names https://\(address.prefix(40))")
            }
            #expect(!text.contains("innerHTML"), "\(route.path)")
        }
    }

    @Test func `the page names all its modules, so that none waits for another`() async throws {
        let page = try await get("/").text
        for route in routes where route.path.hasSuffix(".js") && route.path != "/assets/theme.js" {
            #expect(page.components(separatedBy: "\"\(route.path)\"").count == 2, "\(route.path)")
        }
    }

    private func get(_ path: String, known: String? = nil) async throws -> Answer {
        let route = try #require(routes.first { $0.path == path }, "\(path)")
        var head = HTTPRequest(method: .get, scheme: "http", authority: "127.0.0.1", path: path)
        if let known { head.headerFields[.ifNoneMatch] = known }
        return Answer(try await route.handler(ServerRequest(head: head)))
    }
}
