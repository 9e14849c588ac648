// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import RawHTTP
import Testing

extension OTLPRow {
    /// Answers to accepted requests.
    static let answers = [
        OTLPRow(23, "success is 200") { try await everyCombination { #expect($0.status == 200) } },
        OTLPRow(24, "the body is the response message of the signal") {
            let hub = try await OTLPHub()
            let body = Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b"}]}]}]}"#.utf8)
            let answer = try await hub.post(.traces, body, OTLPEncoding.json.fields)
            #expect(answer.status == 200)
            #expect(answer.body.hasPrefix(#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":""#))
            try await hub.end()
            try await everyCombination { #expect($0.fields["content-length"] == "\($0.bytes.count)") }
        },
        OTLPRow(25, "full success leaves partial_success unset") {
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                let answer = try await hub.post(signal, encoding.twoRecords(signal), encoding.fields)
                #expect(answer.bytes == encoding.nothing)
            }
            try await hub.end()
        },
        OTLPRow(26, "the type of the answer is the bare type of the request") {
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                let fields = ["Content-Type": encoding.rawValue.uppercased() + "; charset=utf-8"]
                let answer = try await hub.post(signal, encoding.twoRecords(signal), fields)
                #expect(answer.fields["content-type"] == encoding.rawValue)
            }
            try await hub.end()
        },
        OTLPRow(27, "bad records are counted and good ones kept") {
            let hub = try await OTLPHub()
            for encoding in OTLPEncoding.allCases {
                let answer = try await hub.post(.traces, encoding.oneBadSpan, encoding.fields)
                #expect(answer.status == 200)
                switch encoding {
                case .json: #expect(answer.body.contains(#""rejectedSpans":"1","errorMessage":""#))
                // partial_success { rejected_spans: 1, error_message: … }
                case .protobuf: #expect(answer.bytes.first == 0x0A && Array(answer.bytes[2...4]) == [0x08, 1, 0x12])
                }
            }
            #expect(hub.sink.batches.map(\.otlp.recordCount) == [1, 1])
            try await hub.end()
        },
        OTLPRow(28, "what is taken whole carries no warning") {
            try await everyCombination { #expect(!$0.body.contains("errorMessage") && $0.bytes.count <= 2) }
        },
        OTLPRow(29, "an empty request is a success; in JSON it is an object") {
            let hub = try await OTLPHub()
            for signal in Signal.allCases {
                #expect(try await hub.post(signal, [], OTLPEncoding.protobuf.fields).status == 200)
                #expect(try await hub.post(signal, Array("{}".utf8), OTLPEncoding.json.fields).status == 200)
                let answer = try await hub.post(signal, [], OTLPEncoding.json.fields)
                #expect(answer.status == 400)
                #expect(OTLPEncoding.json.isStatus(answer, 3))
            }
            try await hub.end()
        },
        OTLPRow(30, "envelopes without records are a success and not passed on") {
            let hub = try await OTLPHub()
            for (signal, encoding) in combinations {
                let empty = "{\"\(signal.top)\":[{\"resource\":{}}]}"
                #expect(try await hub.post(signal, encoding.body(signal, empty), encoding.fields).status == 200)
            }
            #expect(hub.sink.batches.isEmpty)
            try await hub.end()
        },
    ]

    /// Sends a valid request of every signal in every encoding.
    private static func everyCombination(_ check: (RawAnswer) -> Void) async throws {
        let hub = try await OTLPHub()
        for (signal, encoding) in combinations {
            check(try await hub.post(signal, encoding.twoRecords(signal), encoding.fields))
        }
        #expect(hub.sink.recordCount == 2 * combinations.count)
        try await hub.end()
    }
}
