// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes

/// The routes of the dashboard: one for each of its files, open to all, because the files hold no data.
enum DashboardRoutes {
    static var all: [Route] { DashboardFile.all.map(route) }

    static func route(_ file: DashboardFile) -> Route {
        Route(.get, file.route, access: .open) { request in answer(file, to: request.head) }
    }

    /// The file, or that the browser has it; with the header fields that bind a page to this origin.
    static func answer(_ file: DashboardFile, to request: HTTPRequest) -> ServerResponse {
        var fields = safety
        fields[.eTag] = file.entityTag
        // A newer program brings newer files, so a browser asks each time; mostly it is told that it has them.
        fields[.cacheControl] = "no-cache"
        if request.headerFields[values: .ifNoneMatch].contains(where: { names($0, file.entityTag) }) {
            return ServerResponse(.notModified, fields)
        }
        fields[.contentType] = file.mediaType
        return ServerResponse(.ok, fields, body: .bytes(file.bytes))
    }

    /// Whether a list of entity tags names one, by the weak comparison of RFC 9110 §13.1.2.
    private static func names(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { item in
            let item = item.trimmingPrefix { $0 == " " || $0 == "\t" }
            let bare = item.hasPrefix("W/") ? item.dropFirst(2) : item
            return bare.prefix(tag.count) == tag || bare.prefix(1) == "*"
        }
    }

    /// Nothing from elsewhere, nothing inline, no frame around it, no address told to others.
    private static let safety: HTTPFields = {
        var fields: HTTPFields = [
            .contentSecurityPolicy:
                "default-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            .xContentTypeOptions: "nosniff",
        ]
        if let name = HTTPField.Name("Referrer-Policy") { fields[name] = "no-referrer" }
        if let name = HTTPField.Name("Cross-Origin-Opener-Policy") { fields[name] = "same-origin" }
        if let name = HTTPField.Name("Cross-Origin-Resource-Policy") { fields[name] = "same-origin" }
        return fields
    }()
}
