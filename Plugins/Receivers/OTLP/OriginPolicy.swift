// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes

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
