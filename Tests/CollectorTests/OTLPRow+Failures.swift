// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import OTLP
import RawHTTP
import Testing

extension OTLPRow {
    /// Answers to refused requests.
    static let failures = [
        OTLPRow(31, "every failure is a Status in the encoding of the request") {
            let hub = try await OTLPHub("max_request_body_size: 1KiB", signals: [.traces, .logs])
            for encoding in OTLPEncoding.allCases {
                let gzip = encoding.fields.merging(["Content-Encoding": "gzip"]) { $1 }
                let answers = [
                    (404, 5, try await hub.post(.metrics, [1], encoding.fields)),
                    (404, 5, try await hub.post(.traces, [1], encoding.fields, path: "/v1/span")),
                    (400, 3, try await hub.post(.logs, [0x7B], encoding.fields)),
                    (400, 3, try await hub.post(.logs, [1], gzip)),
                    (413, 3, try await hub.post(.logs, [UInt8](repeating: 32, count: 1_025), encoding.fields)),
                ]
                for (status, code, answer) in answers {
                    #expect(answer.status == status)
                    #expect(encoding.isStatus(answer, UInt8(code)), "\(status) \(answer.body)")
                }
            }
            try await hub.end()
        },
        OTLPRow(32, "the code is 3 for bad data, 14 for what passes") {
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                hub.sink.refuse(with: .permanent("no"))
                let permanent = try await hub.post(signal, encoding.twoRecords(signal), encoding.fields)
                #expect(encoding.isStatus(permanent, 3))
                hub.sink.refuse(with: .retryable("later"))
                #expect(encoding.isStatus(try await hub.post(signal, encoding.twoRecords(signal), encoding.fields), 14))
            }
            try await hub.end()
        },
        OTLPRow(33, "data that cannot be decoded is 400 with its place") {
            let hub = try await OTLPHub()
            for signal in Signal.allCases {
                let json = try await hub.post(signal, Array("{\"\(signal.top)\":[7]}".utf8), OTLPEncoding.json.fields)
                #expect(json.status == 400)
                #expect(json.body.contains("\(signal.top)[0]"), "\(json.body)")
                let protobuf = try await hub.post(signal, [0x0A, 0x7F, 0x01], OTLPEncoding.protobuf.fields)
                #expect(protobuf.status == 400)
                #expect(protobuf.body.contains("byte "), "\(protobuf.body)")
            }
            try await hub.end()
        },
        OTLPRow(34, "400 is for what will never be taken") {
            try await refusals { signal, encoding, hub in
                hub.sink.refuse(with: .permanent("too old"))
                let answer = try await hub.post(signal, encoding.twoRecords(signal), encoding.fields)
                #expect(answer.status == 400)
                #expect(answer.body.contains("too old"))
                #expect(answer.fields["retry-after"] == nil)
            }
        },
        OTLPRow(35, "what passes is 503") {
            try await refusals { signal, encoding, hub in
                hub.sink.refuse(with: .retryable("the disk is full"))
                let answer = try await hub.post(signal, encoding.twoRecords(signal), encoding.fields)
                #expect(answer.status == 503)
                #expect(answer.body.contains("the disk is full"))
            }
        },
        OTLPRow(36, "503 says when to come back, in 1 to 30 seconds") {
            let hub = try await OTLPHub()
            for (seconds, said) in [(-1, "1"), (0, "1"), (1, "1"), (7, "7"), (30, "30"), (86_400, "30")] {
                hub.sink.refuse(with: .retryable("later", after: seconds))
                for (signal, encoding) in combinations {
                    let answer = try await hub.post(signal, encoding.twoRecords(signal), encoding.fields)
                    #expect(answer.fields["retry-after"] == said)
                }
            }
            try await hub.end()
        },
        OTLPRow(37, "a fault of ours is 500 with code 13, and says nothing of its reason") {
            let failing = Route(.post, "/v1/profiles", failureForm: .status) { _ in throw Fault() }
            let hub = try await OTLPHub(others: [failing])
            for encoding in OTLPEncoding.allCases {
                let answer = try await hub.post(.logs, [1], encoding.fields, path: "/v1/profiles")
                #expect(answer.status == 500)
                #expect(encoding.isStatus(answer, 13))
                #expect(!answer.body.contains("Fault"))
            }
            try await hub.end()
        },
        OTLPRow(38, "a request without a valid key gets 401 and how to send one; without keys none is required") {
            let guarded = try await OTLPHub(keys: "{ keys: [{ name: a, key: abcdefghijklmnopqrstuvwxyz }] }")
            for (signal, encoding) in combinations {
                let body = try encoding.twoRecords(signal)
                for shown in [[:], ["Authorization": "Basic abcdefghijklmnopqrstuvwxyz"]] {
                    let answer = try await guarded.post(signal, body, encoding.fields.merging(shown) { $1 })
                    #expect(answer.status == 401)
                    #expect(answer.fields["www-authenticate"] == "Bearer")
                    #expect(encoding.isStatus(answer, 16))
                }
                for shown in [
                    "Authorization": "Bearer abcdefghijklmnopqrstuvwxyz",
                    "X-Hammurabi-Api-Key": "abcdefghijklmnopqrstuvwxyz",
                ] {
                    let fields = encoding.fields.merging([shown.key: shown.value]) { $1 }
                    #expect(try await guarded.post(signal, body, fields).status == 200)
                }
            }
            try await guarded.end()
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                let fields = encoding.fields.merging(["Authorization": "Bearer x"]) { $1 }
                let answer = try await hub.post(signal, encoding.twoRecords(signal), fields)
                #expect(answer.status == 200)
                #expect(answer.fields["www-authenticate"] == nil)
            }
            try await hub.end()
        },
        OTLPRow(39, "a browser's question is answered when its origin is configured") {
            let hub = try await OTLPHub("cors: { allowed_origins: [\"https://*.example.com\"] }")
            for signal in Signal.allCases {
                let connection = try await hub.collector.connect()
                let ask = "Access-Control-Request-Method: POST\nAccess-Control-Request-Headers: content-type"
                try connection.send(
                    "OPTIONS /v1/\(signal) HTTP/1.1\nHost: localhost\nOrigin: https://a.example.com\n\(ask)\n\n"
                )
                let answer = try await connection.answer()
                #expect(answer.status == 204)
                #expect(answer.fields["access-control-allow-origin"] == "https://a.example.com")
                #expect(answer.fields["access-control-allow-methods"] == "POST")
                #expect(answer.fields["access-control-allow-headers"] == "content-type")
                let fields = ["Origin": "https://a.example.com", "Content-Type": "text/plain"]
                let refused = try await hub.post(signal, [1], fields)
                #expect(refused.status == 415)
                #expect(refused.fields["access-control-allow-origin"] == "https://a.example.com")
            }
            try await hub.end()
        },
        OTLPRow(40, "200 comes after the pipeline has the data, not before") {
            let hub = try await OTLPHub()
            hub.sink.hold()
            var connections: [RawConnection] = []
            for (signal, encoding) in combinations {
                let connection = try await hub.collector.connect()
                try await connection.post("/v1/\(signal)", encoding.twoRecords(signal), encoding.fields)
                connections.append(connection)
            }
            #expect(await eventually { hub.sink.heldCount == combinations.count })
            for connection in connections { #expect(connection.hasNothing) }
            hub.sink.release()
            for connection in connections { #expect(try await connection.answer().status == 200) }
            try await hub.end()
        },
    ]

    private struct Fault: Error {}

    private static func refusals(_ check: (Signal, OTLPEncoding, OTLPHub) async throws -> Void) async throws {
        let hub = try await OTLPHub()
        for (signal, encoding) in combinations { try await check(signal, encoding, hub) }
        #expect(hub.sink.batches.isEmpty)
        try await hub.end()
    }
}
