// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import HubExtension
import Logging
import Testing
import Usage

/// The served documentation of components.
struct DocumentationTests {
    private let routes: [Route]

    private static let pages = [
        ComponentPage(
            kind: .exporter,
            type: "file",
            text: "# file\n\nKeeps <everything> & \"more\".\n\n[Rules](../x.md), [site](https://a.example/?b&c).\n"
        ),
        ComponentPage(kind: .receiver, type: "same", text: "# same\n\nReceives.\n"),
        ComponentPage(kind: .exporter, type: "same", text: "# same\n\nSends.\n\n| a |\n|---|\n| `b` |\n"),
    ]

    init() throws {
        let settings = ComponentSettings(
            id: try #require(ComponentID("hub")),
            logger: Logger(label: "hub") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 0) }
        )
        let guide = DocumentationGuide(name: "keys", title: "Keys", purpose: "who may ask", text: "# Keys\n\nNone.\n")
        let hub = try ComponentFactory.hub(pages: Self.pages, guides: [guide]).makeExtension(
            HubConfig(),
            settings,
            with: CollectorParts()
        )
        routes = try #require(hub.httpServing).routes
    }

    private func get(_ path: String, accept: String? = nil) async throws -> Answer {
        let route = try #require(routes.first { $0.path == path })
        #expect(route.access == .open)
        var head = HTTPRequest(method: .get, scheme: "http", authority: "127.0.0.1", path: path)
        head.headerFields[.accept] = accept
        return Answer(
            try await route.handler(ServerRequest(head: head, parameters: [:], body: RequestBody(bytes: [])))
        )
    }

    private static let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    @Test(arguments: [nil, "*/*", "text/markdown", "text/plain"])
    func `a client that asks for no HTML gets the text as it was written`(accept: String?) async throws {
        let answer = try await get("/docs/components/file", accept: accept)
        #expect(answer.status == 200)
        #expect(answer.fields[.contentType] == "text/markdown; charset=utf-8")
        #expect(answer.fields[.vary] == "Accept")
        #expect(answer.text == Self.pages[0].text)
    }

    @Test func `a browser gets a page that may load nothing from elsewhere`() async throws {
        let answer = try await get("/docs/components/file", accept: Self.browser)
        #expect(answer.fields[.contentType] == "text/html; charset=utf-8")
        #expect(answer.fields[.contentSecurityPolicy]?.hasPrefix("default-src 'self';") == true)
        #expect(answer.text.contains("<p>Keeps &lt;everything&gt; &amp; &quot;more&quot;.</p>"))
        #expect(answer.text.contains("<p>Rules, <a href=\"https://a.example/?b&amp;c\">site</a>.</p>"))
        #expect(answer.text.contains("<a href=\"/docs/components/file\" aria-current=\"page\">file</a>"))
        #expect(!answer.text.contains("style=") && !answer.text.contains("<script>"))
    }

    @Test func `types that two kinds have are distinguished by the kind`() async throws {
        let answer = try await get("/docs/components/exporter/same", accept: Self.browser)
        #expect(answer.text.contains("<th scope=\"row\"><code>b</code></th>"))
        #expect(try await get("/docs/components/receiver/same").text == Self.pages[1].text)
    }

    @Test func `all pages are listed with their purpose`() async throws {
        let list = try await get("/docs/components").text
        #expect(
            list.contains(
                "## Receivers\n\n| type | purpose |\n| --- | --- |\n| [same](/docs/components/receiver/same) | Receives. |"
            )
        )
        #expect(list.contains("| [file](/docs/components/file) | Keeps <everything> & \"more\". |"))
        #expect(!list.contains("Processors"))
    }

    @Test func `guides are listed and served beside the components`() async throws {
        let list = try await get("/docs").text
        #expect(list.contains("| [Keys](/docs/keys) | who may ask |"))
        #expect(list.contains("(/docs/components)") && list.contains("(/docs/api)"))
        #expect(try await get("/docs/keys").text == "# Keys\n\nNone.\n")
        #expect(try await get("/docs/keys", accept: Self.browser).text.contains("<p>None.</p>"))
    }

    @Test func `the page on the API names every route of its description, with parameters and members`() async throws {
        let page = try await get("/docs/api").text
        let description = try await get("/api/openapi.json").text
        let paths = description.matches(of: /\n    "(\/[^"]*)": \{/).map { String($0.1) }
        #expect(paths.count > 15)
        for path in paths { #expect(page.contains(" \(path)\n"), "\(path)") }
        #expect(page.contains("| `period` | query | "))
        #expect(page.contains("| `byModel` | object | Like every dimension at most 200 names"))
        #expect(page.contains("| `totalCost` | number |  |"))
    }

    @Test func `without pages nothing is served`() async throws {
        let bench = try await Bench()
        #expect(bench.hub.httpServing?.routes.contains { $0.path.hasPrefix("/docs") } == false)
    }
}
