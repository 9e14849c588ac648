// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes

/// Which web pages may send (CORS): answers preflights and marks answers that pages may read.
struct OriginPolicy {
    private let patterns: [String]

    /// Creates a policy from origins in which `*` stands for any text.
    init(_ origins: [String]) {
        patterns = origins.map { $0.lowercased() }
    }

    /// Whether no page may send at all.
    var isEmpty: Bool { patterns.isEmpty }

    /// The answer to the question that a browser asks before it sends; without consent when the origin is not allowed.
    func preflight(_ request: HTTPRequest) -> ServerResponse {
        var fields = fields(for: request)
        if fields[.accessControlAllowOrigin] != nil {
            fields[.accessControlAllowMethods] = "POST"
            fields[.accessControlAllowHeaders] = request.headerFields[.accessControlRequestHeaders]
        }
        return ServerResponse(.noContent, fields)
    }

    /// What an answer to this request has to say about its origin.
    func fields(for request: HTTPRequest) -> HTTPFields {
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
