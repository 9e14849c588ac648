// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import OTLPReceiver
import RawHTTP
import Testing

extension OTLPRow {
    /// Method, path and header fields.
    static let requests = [
        OTLPRow(1, "each signal has its path, with or without a slash at the end") {
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                for path in ["/v1/\(signal)", "/v1/\(signal)/", "http://hub/v1/\(signal)"] {
                    let body = try encoding.twoRecords(signal)
                    #expect(try await hub.post(signal, body, encoding.fields, path: path).status == 200, "\(path)")
                }
            }
            #expect(hub.sink.recordCount == 2 * 3 * combinations.count)
            try await hub.end()
        },
        OTLPRow(2, "the paths can be configured") {
            let hub = try await OTLPHub("traces_url_path: /in/spans")
            let body = try OTLPEncoding.json.twoRecords(.traces)
            #expect(try await hub.post(.traces, body, OTLPEncoding.json.fields, path: "/in/spans").status == 200)
            #expect(try await hub.post(.traces, body, OTLPEncoding.json.fields).status == 404)
            let connection = try await hub.collector.connect()
            try connection.send("GET /in/spans HTTP/1.1\nHost: localhost\n\n")
            #expect(OTLPEncoding.json.isStatus(try await connection.answer(), 12))
            try await hub.end()
        },
        OTLPRow(3, "the port is 4318 when none is configured") {
            #expect(OTLPConfig().protocols.http?.endpoint == Endpoint(host: "127.0.0.1", port: 4_318))
        },
        OTLPRow(4, "both encodings share a port, chosen by the type") {
            let hub = try await OTLPHub()
            let connection = try await hub.collector.connect()
            for encoding in OTLPEncoding.allCases {
                try await connection.post("/v1/logs", encoding.twoRecords(.logs), encoding.fields)
                let answer = try await connection.answer()
                #expect(answer.status == 200)
                #expect(answer.bytes == encoding.nothing)
            }
            #expect(hub.sink.batches.map(\.otlp.bytes).allSatisfy { $0 == hub.sink.batches[0].otlp.bytes })
            try await hub.end()
        },
        OTLPRow(5, "the type counts with parameters and in any case of letters") {
            let hub = try await OTLPHub()
            for (type, encoding) in [
                ("application/json; charset=utf-8", OTLPEncoding.json), ("APPLICATION/JSON;charset=\"UTF-8\"", .json),
                ("Application/X-Protobuf", .protobuf), ("application/x-protobuf ; a=b", .protobuf),
            ] {
                let answer = try await hub.post(.logs, encoding.twoRecords(.logs), ["Content-Type": type])
                #expect(answer.status == 200, "\(type)")
                #expect(answer.fields["content-type"] == encoding.rawValue)
            }
            try await hub.end()
        },
        OTLPRow(6, "an unusable type is 415 with a Status in JSON") {
            let hub = try await OTLPHub()
            for signal in Signal.allCases {
                for type in ["application/protobuf", "text/plain", "json", ";", ""] {
                    let answer = try await hub.post(signal, [1], ["Content-Type": type])
                    #expect(answer.status == 415)
                    #expect(OTLPEncoding.json.isStatus(answer, 3))
                }
                let answer = try await hub.post(signal, [1], [:])
                #expect(answer.status == 415)
                #expect(OTLPEncoding.json.isStatus(answer, 3))
            }
            try await hub.end()
        },
        OTLPRow(7, "another method is 405 with Allow and a Status") {
            let hub = try await OTLPHub()
            let connection = try await hub.collector.connect()
            for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"] {
                for encoding in OTLPEncoding.allCases {
                    try connection.send(
                        "\(method) /v1/logs HTTP/1.1\nHost: localhost\nContent-Type: \(encoding.rawValue)\n\n"
                    )
                    let answer = try await connection.answer()
                    #expect(answer.status == 405)
                    #expect(answer.fields["allow"] == "POST")
                    #expect(encoding.isStatus(answer, 12))
                }
            }
            try await hub.end()
        },
        OTLPRow(8, "an unknown path is 404 with a Status that names the paths there are") {
            let hub = try await OTLPHub()
            for encoding in OTLPEncoding.allCases {
                for path in ["/v1/spans", "/v1/traces/v1/traces", "/v1", "/"] {
                    let answer = try await hub.post(.traces, [1], encoding.fields, path: path)
                    #expect(answer.status == 404)
                    #expect(encoding.isStatus(answer, 5))
                    #expect(answer.body.contains("/v1/logs, /v1/metrics, /v1/traces"))
                }
            }
            try await hub.end()
        },
        OTLPRow(9, "a signal without a pipeline is 404 and a warning in the log") {
            let hub = try await OTLPHub(signals: [.traces, .logs])
            for encoding in OTLPEncoding.allCases {
                let answer = try await hub.post(.metrics, encoding.twoRecords(.metrics), encoding.fields)
                #expect(answer.status == 404)
                #expect(encoding.isStatus(answer, 5))
                #expect(answer.body.contains("no pipeline for metrics is configured"))
            }
            // The log writes a repeated message once a minute.
            #expect(hub.log.lines.count == 2)
            #expect(hub.log.lines.allSatisfy { $0.contains("no pipeline for metrics is configured") })
            try await hub.end()
        },
        OTLPRow(10, "HTTP/1.1 and HTTP/2 are spoken; a client that breaks HTTP/2 is named in the log") {
            let hub = try await OTLPHub()
            for _ in 1...2 {
                let connection = try await hub.collector.connect()
                try connection.send("PRI * HTTP/2.0\n\nSM\n\nthis is no frame of HTTP/2")
                _ = try await connection.rest()
            }
            #expect(hub.log.lines.count == 2)
            #expect(hub.log.lines.allSatisfy { $0.contains("HTTP/2") })
            let old = try await hub.collector.connect()
            try old.send("POST /v1/logs HTTP/1.0\nContent-Type: application/json\nContent-Length: 2\n\n{}")
            let text = try await old.rest()
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            try await hub.end()
        },
        OTLPRow(11, "a connection is kept, and several go side by side") {
            let hub = try await OTLPHub()
            let connections = [try await hub.collector.connect(), try await hub.collector.connect()]
            for (signal, encoding) in combinations {
                for connection in connections {
                    try await connection.post("/v1/\(signal)", encoding.twoRecords(signal), encoding.fields)
                }
                for connection in connections {
                    let answer = try await connection.answer()
                    #expect(answer.status == 200)
                    #expect(answer.fields["connection"] == nil)
                }
            }
            try await hub.end()
        },
        OTLPRow(12, "a body may come in chunks") {
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                let connection = try await hub.collector.connect()
                try connection.send(
                    "POST /v1/\(signal) HTTP/1.1\nHost: localhost\nContent-Type: \(encoding.rawValue)\nTransfer-Encoding: chunked\n\n"
                )
                let body = try encoding.twoRecords(signal)
                for start in stride(from: 0, to: body.count, by: 50) {
                    let piece = Array(body[start..<min(body.count, start + 50)])
                    try await connection.send(
                        Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
                    )
                }
                try connection.send("0\n\n")
                #expect(try await connection.answer().status == 200)
            }
            #expect(hub.sink.recordCount == 2 * combinations.count)
            try await hub.end()
        },
        OTLPRow(13, "a client that waits for 100 Continue gets it") {
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                let connection = try await hub.collector.connect()
                let body = try encoding.twoRecords(signal)
                let fields = "Content-Type: \(encoding.rawValue)\nContent-Length: \(body.count)\nExpect: 100-continue"
                try connection.send("POST /v1/\(signal) HTTP/1.1\nHost: localhost\n\(fields)\n\n")
                #expect(try await connection.answer().status == 100)
                try await connection.send(body)
                #expect(try await connection.answer().status == 200)
            }
            try await hub.end()
        },
        OTLPRow(14, "method, path, type and coding are checked before the body is read") {
            let hub = try await OTLPHub(signals: [.traces, .logs])
            for (line, fields, status) in [
                ("PUT /v1/logs", "Content-Type: text/plain\nContent-Encoding: br", 405),
                ("POST /v1/none", "Content-Type: text/plain\nContent-Encoding: br", 404),
                ("POST /v1/logs", "Content-Type: text/plain\nContent-Encoding: br", 415),
                ("POST /v1/metrics", "Content-Type: application/json\nContent-Encoding: br", 404),
                ("POST /v1/logs", "Content-Type: application/json\nContent-Encoding: br", 415),
            ] {
                for length in [
                    "Content-Length: 1000000", "Transfer-Encoding: chunked",
                    "Content-Length: 9\nExpect: 100-continue",
                ] {
                    let connection = try await hub.collector.connect()
                    try connection.send("\(line) HTTP/1.1\nHost: localhost\n\(fields)\n\(length)\n\n")
                    let answer = try await connection.answer()
                    #expect(answer.status == status, "\(line) \(length)")
                    #expect(answer.fields["connection"] == "close")
                }
            }
            try await hub.end()
        },
    ]

    /// Every signal in every encoding.
    static let combinations = Signal.allCases.flatMap { signal in OTLPEncoding.allCases.map { (signal, $0) } }
}
