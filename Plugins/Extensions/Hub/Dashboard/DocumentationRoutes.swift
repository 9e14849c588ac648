// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes

/// The routes of the documentation: a list of the components, and a page for each; open to all, because they hold no data.
///
/// A client that accepts HTML gets a page in the style of the dashboard, every other one Markdown.
struct DocumentationRoutes: Sendable {
    /// All of them; none without pages.
    let all: [Route]

    init(_ pages: [ComponentPage]) {
        guard !pages.isEmpty else {
            all = []
            return
        }
        let titles = pages.map { ($0.type, Self.path(to: $0, among: pages)) }
        let list = Self.route("/docs/components", title: "Components", text: Self.list(pages), navigation: titles)
        all =
            [list]
            + pages.map { page in
                Self.route(Self.path(to: page, among: pages), title: page.type, text: page.text, navigation: titles)
            }
    }

    /// Where a page is: under the component's type, after its kind when a component of another kind has the same type.
    private static func path(to page: ComponentPage, among pages: [ComponentPage]) -> String {
        let isUnique = pages.count { $0.type == page.type } == 1
        return "/docs/components/" + (isUnique ? page.type : "\(page.kind.singular)/\(page.type)")
    }

    /// The list of all pages, as Markdown.
    private static func list(_ pages: [ComponentPage]) -> String {
        let sections = ComponentKind.allCases.compactMap { kind -> String? in
            let rows = pages.filter { $0.kind == kind }.map {
                "| [\($0.type)](\(path(to: $0, among: pages))) | \($0.purpose) |\n"
            }
            guard !rows.isEmpty else { return nil }
            let title = kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()
            return "## \(title)\n\n| type | purpose |\n| --- | --- |\n" + rows.joined()
        }
        return
            ([
                "# Components\n\nWhat a configuration can name, with every key, an example, and what happens on errors.\n"
            ] + sections)
            .joined(separator: "\n")
    }

    private static func route(
        _ path: String,
        title: String,
        text: String,
        navigation: [(title: String, path: String)]
    ) -> Route {
        let html = HTMLPage(title: title, path: path, text: Markdown(text), navigation: navigation).html
        let page = DashboardFile(path: path, mediaType: "text/html; charset=utf-8", bytes: Array(html.utf8))
        let source = DashboardFile(path: path, mediaType: "text/markdown; charset=utf-8", bytes: Array(text.utf8))
        return Route(.get, path, access: .open) { request in
            var answer = DashboardRoutes.answer(acceptsHTML(request.head) ? page : source, to: request.head)
            answer.head.headerFields[.vary] = "Accept"
            return answer
        }
    }

    /// Whether a browser asks: it names `text/html`, which no other client does without being told to.
    private static func acceptsHTML(_ request: HTTPRequest) -> Bool {
        request.headerFields[values: .accept].contains { field in
            field.split(separator: ",").contains { range in
                range.split(separator: ";").first?.filter { $0 != " " }.lowercased() == "text/html"
            }
        }
    }
}
