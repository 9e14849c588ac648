// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import OTLP
import Testing

@testable import OTLPReceiver

@Suite struct OriginTests {
    @Test func `without origins there is no preflight and no mention of origins`() async throws {
        let bench = try await Bench()
        #expect(bench.routes.allSatisfy { $0.method == .post && $0.allowsOrigin == nil })
        let answer = try await bench.post(
            .logs,
            Array("{}".utf8),
            [.contentType: "application/json", .origin: "https://a.example"]
        )
        #expect(answer.fields[.accessControlAllowOrigin] == nil)
        #expect(answer.fields[.vary] == nil)
    }

    @Test(arguments: Signal.allCases)
    func `a preflight of an allowed origin gets consent`(signal: Signal) async throws {
        let bench = try await Bench { $0.cors.allowedOrigins = ["https://*.example.com"] }
        let fields: HTTPFields = [
            .origin: "https://App.Example.com", .accessControlRequestMethod: "POST",
            .accessControlRequestHeaders: "content-type,x-hammurabi-api-key",
        ]
        let answer = try await bench.send(.options, "/v1/\(signal)", RequestBody(bytes: []), fields)
        #expect(answer.status == 204)
        #expect(answer.fields[.accessControlAllowOrigin] == "https://App.Example.com")
        #expect(answer.rejection == nil)
        #expect(answer.fields[.accessControlAllowMethods] == "POST")
        #expect(answer.fields[.accessControlAllowHeaders] == "content-type,x-hammurabi-api-key")
        #expect(answer.fields[.accessControlAllowCredentials] == "true")
        #expect(answer.fields[.vary] == "Origin")
    }

    @Test func `a preflight of another origin gets no permission`() async throws {
        let bench = try await Bench { $0.cors.allowedOrigins = ["https://a.example"] }
        let answer = try await bench.send(.options, "/v1/logs", RequestBody(bytes: []), [.origin: "https://b.example"])
        #expect(answer.fields[.accessControlAllowOrigin] == nil)
        #expect(answer.fields[.accessControlAllowHeaders] == nil)
        #expect(answer.rejection?.code == .foreignOrigin)
    }

    @Test(arguments: [
        (["X-Key"], "content-type, x-key", true), (["X-Key"], "x-key,x-other", false), (["*"], "x-other", true),
        (["X-Key"], "", true),
    ])
    func `a preflight gets consent for the fields that are allowed`(allowed: [String], wanted: String, isAllowed: Bool)
        async throws
    {
        let bench = try await Bench {
            $0.cors.allowedOrigins = ["https://a.example"]
            $0.cors.allowedHeaders = allowed
            $0.cors.maxAge = 7_200
        }
        let fields: HTTPFields = [.origin: "https://a.example", .accessControlRequestHeaders: wanted]
        let answer = try await bench.send(.options, "/v1/logs", RequestBody(bytes: []), fields)
        #expect(answer.status == 204)
        #expect(answer.fields[.accessControlAllowOrigin] == (isAllowed ? "https://a.example" : nil))
        #expect(answer.fields[.accessControlAllowHeaders] == (isAllowed ? wanted : nil))
        #expect(answer.fields[.accessControlMaxAge] == (isAllowed ? "7200" : nil))
        #expect(answer.fields[.vary] == "Origin")
    }

    @Test func `fields of answers are exposed to allowed pages`() async throws {
        let bench = try await Bench {
            $0.cors.allowedOrigins = ["https://a.example"]
            $0.cors.exposedHeaders = ["X-A", "X-B"]
        }
        for (origin, exposed) in [("https://a.example", "X-A, X-B"), ("https://b.example", nil)] {
            let fields: HTTPFields = [.contentType: "application/json", .origin: origin]
            let answer = try await bench.post(.logs, Array("{}".utf8), fields)
            #expect(answer.status == 200)
            #expect(answer.fields[.accessControlExposeHeaders] == exposed)
        }
    }

    @Test func `answers, also those that refuse, can be read by allowed pages`() async throws {
        let bench = try await Bench { $0.cors.allowedOrigins = ["*"] }
        let fields: HTTPFields = [.contentType: "application/json", .origin: "https://a.example"]
        for body in ["{}", "{"] {
            let answer = try await bench.post(.traces, Array(body.utf8), fields)
            #expect(answer.fields[.accessControlAllowOrigin] == "https://a.example")
            #expect(answer.fields[.accessControlAllowCredentials] == nil)
        }
    }

    @Test(arguments: [
        ("https://a.example", "https://a.example", true), ("https://a.example", "https://b.example", false),
        ("https://x.a.example", "https://*.a.example", true), ("https://a.example", "https://*.a.example", false),
        ("http://localhost:3000", "http://localhost:*", true), ("http://localhost", "http://localhost:*", false),
        ("https://a-b.c", "https://*-*.c", true), ("https://ab.c", "https://*-*.c", false),
        ("https://ab", "https://ab*ab", false), ("anything", "*", true), ("", "*", true), ("", "", true),
        ("https://evil.example/.a.example", "https://*.a.example", true),
    ])
    func `an asterisk matches any text`(origin: String, pattern: String, isAllowed: Bool) {
        #expect(OriginPolicy.matches(origin, pattern) == isAllowed)
    }
}
