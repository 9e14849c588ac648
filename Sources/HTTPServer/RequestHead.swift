// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOHTTP1

/// The head of a request, with the meaning of its framing for the connection.
struct RequestHead {
    let request: HTTPRequest
    /// The length that the sender stated; 0 without a body, nil for a chunked body.
    let statedLength: Int?
    /// Whether another request may follow on the connection.
    let keepsAlive: Bool
    /// Whether the client uses HTTP/1.0, which has no chunks.
    let isOld: Bool
    /// Whether the client uses HTTP/2.
    let isHTTP2: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    let expectsContinue: Bool

    /// Checks what the parser does not check.
    ///
    /// - Throws: ``RequestError`` for an ambiguous head.
    init(_ head: HTTPRequestHead) throws(RequestError) {
        isOld = head.version == .http1_0
        isHTTP2 = head.version.major == 2
        var facts = Facts()
        var fields = HTTPFields()
        fields.reserveCapacity(head.headers.count)
        for (name, value) in head.headers {
            guard let name = Self.knownNames[name] ?? HTTPField.Name(name) else {
                throw .badRequest("a field has the name \"\(name)\"")
            }
            if name.canonicalName == "host" {
                try facts.setHost(value)
            } else {
                let field = HTTPField(name: name, value: value)
                try facts.note(field)
                fields.append(field)
            }
        }
        // RFC 9112 §3.2
        if facts.host == nil, !isOld { throw .badRequest("the Host field is missing") }
        // RFC 9113 §8.3.1
        if isHTTP2, facts.host?.isEmpty == true { throw .badRequest("both :authority and the Host field are missing") }
        guard let method = HTTPRequest.Method(head.method.rawValue) else {
            throw .badRequest("there is no method \(head.method)")
        }
        // After an upgrade request the parser would read the following bytes in the other protocol.
        keepsAlive = head.isKeepAlive && !facts.wantsUpgrade && method != .connect
        expectsContinue = facts.expectsContinue && !isOld
        statedLength = facts.isChunked ? nil : facts.length
        request = HTTPRequest(
            method: method,
            scheme: "http",
            authority: facts.host,
            path: Self.path(head.uri),
            headerFields: fields
        )
    }

    /// The path of a target, which clients of a proxy write with scheme and authority (RFC 9112 §3.2.2).
    private static func path(_ target: String) -> String {
        guard target.utf8.first != UInt8(ascii: "/"), let scheme = target.firstRange(of: "://") else { return target }
        return target[scheme.upperBound...].firstIndex(of: "/").map { String(target[$0...]) } ?? "/"
    }

    /// Usual field names in their usual spelling: validating and folding a name costs ten times as much as a look-up.
    private static let knownNames: [String: HTTPField.Name] = {
        let names = [
            "Host", "Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection",
            "User-Agent",
            "Accept", "Accept-Encoding", "Accept-Language", "Authorization",
        ]
        let pairs = (names + names.map { $0.lowercased() }).compactMap { text in HTTPField.Name(text).map { (text, $0) }
        }
        return Dictionary(pairs) { $1 }
    }()

    /// The fields about the framing.
    private struct Facts {
        var host: String?
        var length = 0
        var isChunked = false
        var expectsContinue = false
        var wantsUpgrade = false

        mutating func setHost(_ value: String) throws(RequestError) {
            if host != nil { throw .badRequest("there are two Host fields") }
            host = value
        }

        mutating func note(_ field: HTTPField) throws(RequestError) {
            switch field.name {
            case .contentLength:
                guard let length = Int(field.value), length >= 0 else {
                    throw .badRequest("the Content-Length is no length")
                }
                self.length = length
            case .transferEncoding:
                guard field.value.lowercased() == "chunked", !isChunked else {
                    throw RequestError(.notImplemented, "the Transfer-Encoding must be chunked")
                }
                isChunked = true
            case .expect:
                guard field.value.lowercased() == "100-continue" else {
                    throw RequestError(.expectationFailed, "the only Expect is 100-continue")
                }
                expectsContinue = true
            case .upgrade: wantsUpgrade = true
            default: break
            }
        }
    }
}
