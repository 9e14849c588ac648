// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import OTLP
import RawHTTP
import Testing

extension OTLPRow {
    /// Sizes and compression.
    static let sizes = [
        OTLPRow(15, "gzip, deflate, zstd and identity are undone") {
            let hub = try await OTLPHub()
            let json = try receiverFixture("traceloop-traces.json.gz")
            let protobuf = try receiverFixture("claude-code-logs.pb.gz")
            for (signal, body, encoding) in [(Signal.traces, json, OTLPEncoding.json), (.logs, protobuf, .protobuf)] {
                for coding in ["gzip", "GZIP", "x-gzip"] {
                    let fields = encoding.fields.merging(["Content-Encoding": coding]) { $1 }
                    #expect(try await hub.post(signal, body, fields).status == 200)
                }
            }
            let plain = try Gzip.inflate(protobuf, limit: 1 << 22)
            for (coding, body) in [("deflate", zlibForm(of: plain)), ("zstd", try Zstandard.deflate(plain, level: 3))] {
                let fields = OTLPEncoding.protobuf.fields.merging(["Content-Encoding": coding]) { $1 }
                #expect(try await hub.post(.logs, body, fields).status == 200)
            }
            for (signal, encoding) in combinations {
                let fields = encoding.fields.merging(["Content-Encoding": "identity"]) { $1 }
                #expect(try await hub.post(signal, encoding.twoRecords(signal), fields).status == 200)
            }
            #expect(hub.sink.batches.count == 8 + combinations.count)
            try await hub.end()
        },
        OTLPRow(16, "an unknown coding is 415 with those that are known") {
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                for coding in ["br", "snappy", "gzip, gzip"] {
                    let fields = encoding.fields.merging(["Content-Encoding": coding]) { $1 }
                    let answer = try await hub.post(signal, [1, 2, 3], fields)
                    #expect(answer.status == 415)
                    #expect(answer.fields["accept-encoding"] == "gzip, deflate, zstd")
                    #expect(encoding.isStatus(answer, 3))
                }
            }
            try await hub.end()
        },
        OTLPRow(17, "damaged gzip is 400 in the encoding of the request") {
            let hub = try await OTLPHub()
            let whole = try receiverFixture("claude-code-logs.pb.gz")
            for (signal, encoding) in combinations {
                let fields = encoding.fields.merging(["Content-Encoding": "gzip"]) { $1 }
                for (body, text) in [
                    (Array("plain".utf8), "invalid header"), (Array(whole.dropLast(9)), "ends too early"),
                ] {
                    let answer = try await hub.post(signal, body, fields)
                    #expect(answer.status == 400)
                    #expect(encoding.isStatus(answer, 3))
                    #expect(answer.body.contains("gzip: ") && answer.body.contains(text), "\(answer.body)")
                }
            }
            #expect(hub.sink.batches.isEmpty)
            try await hub.end()
        },
        OTLPRow(18, "the limit holds before and after a body is inflated, to the byte") {
            for encoding in OTLPEncoding.allCases {
                let body = try encoding.twoRecords(.logs)
                for (limit, status) in [(body.count, 200), (body.count - 1, 413)] {
                    let hub = try await OTLPHub("max_request_body_size: \(limit)B")
                    #expect(try await hub.post(.logs, body, encoding.fields).status == status)
                    try await hub.end()
                }
            }
            // 10 MiB of zeros, which are not JSON; compressed with gzip they have 10 kB.
            let zeros = try receiverFixture("zeros-10MiB.gz")
            for (limit, status) in [("10MiB", 400), ("10485759B", 413), ("9000B", 413)] {
                let hub = try await OTLPHub("max_request_body_size: \(limit)")
                let fields = ["Content-Type": "application/json", "Content-Encoding": "gzip"]
                #expect(try await hub.post(.logs, zeros, fields).status == status, "\(limit)")
                try await hub.end()
            }
        },
        OTLPRow(19, "over the limit is 413, without reading on, and the end of the connection") {
            let hub = try await OTLPHub("max_request_body_size: 100KiB")
            for (signal, encoding) in combinations {
                let stated = try await hub.collector.connect()
                let head = "POST /v1/\(signal) HTTP/1.1\nHost: localhost\nContent-Type: \(encoding.rawValue)\n"
                try stated.send(head + "Content-Length: 70000000000\n\n")
                let chunked = try await hub.collector.connect()
                try chunked.send(head + "Transfer-Encoding: chunked\n\n")
                try await chunked.send(Array("80000000\r\n".utf8) + [UInt8](repeating: 32, count: (100 << 10) + 1))
                for connection in [stated, chunked] {
                    let answer = try await connection.answer()
                    #expect(answer.status == 413)
                    #expect(answer.fields["connection"] == "close")
                    #expect(encoding.isStatus(answer, 3))
                    #expect(try await connection.rest().isEmpty)
                }
            }
            try await hub.end()
        },
        OTLPRow(20, "ten megabytes that inflate to ten gigabytes are 413 in bounded memory") {
            let hub = try await OTLPHub()
            let member = try receiverFixture("zeros-10MiB.gz")
            let bomb = (0..<1_000).flatMap { _ in member }
            let before = try peakMemory()
            let fields = ["Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"]
            let answer = try await hub.post(.traces, bomb, fields)
            #expect(answer.status == 413)
            #expect(OTLPEncoding.protobuf.isStatus(answer, 3))
            #expect(try peakMemory() - before < 500 << 20)
            try await hub.end()
        },
        OTLPRow(21, "a message in an answer has at most a kibibyte") {
            let hub = try await OTLPHub()
            hub.sink.refuse(with: .permanent(String(repeating: "ä", count: 5_000)))
            for (signal, encoding) in combinations {
                let answer = try await hub.post(signal, encoding.twoRecords(signal), encoding.fields)
                #expect(answer.status == 400)
                #expect((1_024...1_060).contains(answer.bytes.count))
            }
            try await hub.end()
        },
        OTLPRow(22, "answers are never compressed") {
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                let fields = encoding.fields.merging(["Accept-Encoding": "gzip"]) { $1 }
                let answer = try await hub.post(signal, encoding.twoRecords(signal), fields)
                #expect(answer.fields["content-encoding"] == nil)
                #expect(answer.bytes == encoding.nothing)
            }
            try await hub.end()
        },
    ]

    /// A body of the receiver's tests.
    private static func receiverFixture(_ name: String) throws -> [UInt8] {
        let folder = Package.root.appending(path: "Tests/OTLPReceiverTests/Fixtures")
        return [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    /// The most memory that this process has used, in bytes.
    private static func peakMemory() throws -> Int {
        let status = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/status")), as: UTF8.self)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }) << 10
    }
}

/// Bytes in the zlib format (RFC 1950), stored without compression.
private func zlibForm(of plain: [UInt8]) -> [UInt8] {
    var form: [UInt8] = [0x78, 0x01]
    var rest = plain[...]
    repeat {
        let piece = rest.prefix(0xFFFF)
        rest = rest.dropFirst(0xFFFF)
        let length = UInt16(piece.count)
        for number in [length, ~length] { form += [UInt8(truncatingIfNeeded: number), UInt8(number >> 8)] }
        form.insert(rest.isEmpty ? 1 : 0, at: form.count - 4)
        form += piece
    } while !rest.isEmpty
    var (low, high) = (1, 0)
    for byte in plain {
        low = (low + Int(byte)) % 65_521
        high = (high + low) % 65_521
    }
    let checksum = UInt32(high << 16 | low)
    return form + (0..<4).reversed().map { UInt8(truncatingIfNeeded: checksum >> ($0 * 8)) }
}
